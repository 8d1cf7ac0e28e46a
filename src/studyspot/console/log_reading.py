"""`studyspot events show` and `history`: what the log says, read from the store itself."""

from collections.abc import Sequence
from typing import Any

import orjson

from studyspot.catalogue.cloudevents import UnreadableMessage, to_message
from studyspot.console.faults import Fault
from studyspot.console.installation import begin, migrated_database_url
from studyspot.console.output import print_json, print_line
from studyspot.domain.identifiers import is_identifier
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion, StoredEvent

KINDS = (
    *("library", "seat", "booking", "hold", "user", "invitation"),
    *("waitlist-entry", "notification"),
)
"""Of what there is a history: as in `booking:{id}`."""
_PREFIXES = ", ".join(f"{kind}:" for kind in KINDS)


def show(position: int, as_json: bool) -> None:
    """Print the event at a position as its message carries it, and the tags that decisions find it by.

    Raises:
        Fault: the log has no such position.
    """
    url = migrated_database_url(begin())
    with EventStore(url, read_connections=1) as store:
        head = store.head().position
        if not 0 < position <= head:
            raise Fault(f"There is no event at position {position}.", f"The log ends at position {head}.")
        (stored,) = store.read(after=position - 1, until=position, limit=1).events
    told = _message(stored) | {"tags": stored.tags}
    if as_json:
        print_json(told)
    else:
        print_line(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())


def history(entity: str, as_json: bool) -> None:
    """Print the events of something in order: of `booking:{id}`, or of whatever has this id.

    Raises:
        Fault: it is no id, or nothing in the log has it.
    """
    tags = _tags(entity)
    url = migrated_database_url(begin())
    with EventStore(url, read_connections=1) as store:
        events = store.read([Criterion(tags=(tag,)) for tag in tags]).events
    if not events:
        raise Fault(f"Nothing in the log is called {entity}.", "Look it up with `studyspot events tail`.")
    told = [_message(stored) for stored in events]
    if as_json:
        for message in told:
            print_json(message)
        return
    for stored, message in zip(events, told, strict=True):
        by = message.get("actor") or "–"
        # As `events tail` has them: a table would cut what is told short.
        line = f"{stored.position:>8}  {message.get('time')}  {stored.type}  by {by}  {_facts(message)}"
        print_line(line)


def _tags(entity: str) -> Sequence[str]:
    kind, separator, identifier = entity.rpartition(":")
    if not is_identifier(identifier) or (separator and kind not in KINDS):
        raise Fault(f"{entity!r} is nothing in the log.", f"Use an id, alone or after one of {_PREFIXES}.")
    return (entity,) if separator else tuple(f"{known}:{identifier}" for known in KINDS)


def _message(stored: StoredEvent) -> dict[str, Any]:
    try:
        message = to_message(stored.position, stored.epoch, stored.type, stored.data)
    except UnreadableMessage:
        # It is shown as it is: that it cannot be read is what somebody may be looking for.
        data = stored.data.decode("utf-8", "replace")
        return {"sequence": str(stored.position), "type": stored.type, "unreadable": data}
    told: dict[str, Any] = orjson.loads(message.body)
    return told


def _facts(message: dict[str, Any]) -> str:
    facts = message.get("data")
    if not isinstance(facts, dict):
        return str(message.get("unreadable"))
    return " ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
