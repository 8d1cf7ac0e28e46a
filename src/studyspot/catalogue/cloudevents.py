"""Events as messages: CloudEvents 1.0 in structured JSON, as the broker carries them.

A message keeps the version that the store holds, whatever came later: the same event gives the same bytes.
Whoever reads one gets the newest version.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from studyspot.catalogue.codec import Recorded, decode, facts_of
from studyspot.catalogue.subjects import subject
from studyspot.catalogue.types import VOCABULARY, UnknownEvent, Vocabulary

SOURCE = "/studyspot"
TYPE_PREFIX = "studyspot."
SCHEMAS = "/schemas"


class UnreadableMessage(ValueError):
    """A message that is not one of our events."""


class UnknownMessage(UnreadableMessage):
    """A message with an event that this release does not know; the cause says whether by type or version."""


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    body: bytes


def versioned(event_type: str, version: int) -> str:
    """Return the type on the wire: `studyspot.booking.created.v1`."""
    return f"{TYPE_PREFIX}{event_type}.v{version}"


def schema_address(name: str) -> str:
    """Return where the schema of a type on the wire is served."""
    return f"{SCHEMAS}/{name}.json"


def to_message(position: int, epoch: str, event_type: str, data: bytes) -> Message:
    """Return the message of a stored event; the same event gives the same bytes.

    Raises:
        UnreadableMessage: the stored data is not JSON of an event.
    """
    try:
        stored: dict[str, Any] = orjson.loads(data)
        facts: dict[str, Any] = stored["data"]
        name = versioned(event_type, stored["v"])
        address = subject(event_type, facts.get("libraryId"), facts.get("userId"))
        envelope = {
            "specversion": "1.0",
            "id": f"{epoch}-{position}",
            "source": SOURCE,
            "type": name,
            "subject": address,
            "time": stored["time"],
            "datacontenttype": "application/json",
            "dataschema": schema_address(name),
            "sequence": str(position),
            "commandid": stored["commandid"],
        }
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableMessage(f"position {position}: {error!r}") from error
    for optional in ("actor", "traceparent"):
        if stored.get(optional) is not None:
            envelope[optional] = stored[optional]
    envelope["data"] = facts
    return Message(address, orjson.dumps(envelope))


def from_message(body: bytes, vocabulary: Vocabulary = VOCABULARY) -> Recorded:
    """Return the event that a message carries, whatever version it was stored in.

    Raises:
        UnknownMessage: a newer release may have written it.
        UnreadableMessage: it is none of ours.
    """
    try:
        envelope: dict[str, Any] = orjson.loads(body)
        epoch, _, position = envelope["id"].rpartition("-")
        event_type, version = _type_and_version(envelope["type"])
        stored = {
            "v": version,
            "time": envelope["time"],
            "commandid": envelope["commandid"],
            "actor": envelope.get("actor"),
            "traceparent": envelope.get("traceparent"),
            "data": envelope["data"],
        }
        event, metadata = decode(event_type, orjson.dumps(stored), vocabulary)
        return Recorded(position=int(position), epoch=epoch, event=event, metadata=metadata)
    except UnknownEvent as error:
        raise UnknownMessage(f"{body[:120]!r}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableMessage(f"{body[:120]!r}: {error}") from error


def renewed(body: bytes, recorded: Recorded, vocabulary: Vocabulary = VOCABULARY) -> bytes:
    """Return the message as it would be, had what was `recorded` from it been written by this release.

    That is the same bytes, unless an earlier version of the event was stored.
    """
    newest = vocabulary.newest(type(recorded.event))
    if newest.number == 1:
        return body
    envelope: dict[str, Any] = orjson.loads(body)
    name = versioned(newest.event_type, newest.number)
    if envelope["type"] == name:
        return body
    facts = facts_of(recorded.event, vocabulary)
    return orjson.dumps(envelope | {"type": name, "dataschema": schema_address(name), "data": facts})


def _type_and_version(name: str) -> tuple[str, int]:
    event_type, _, version = name.removeprefix(TYPE_PREFIX).rpartition(".v")
    if not name.startswith(TYPE_PREFIX) or not event_type:
        raise ValueError(f"{name!r} is no type of ours")
    return event_type, int(version)
