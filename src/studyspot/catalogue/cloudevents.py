"""Events as messages: CloudEvents 1.0 in structured JSON, as the broker carries them."""

from dataclasses import dataclass
from typing import Any

import orjson

from studyspot.catalogue.codec import Recorded, decode
from studyspot.catalogue.subjects import subject

SOURCE = "/studyspot"
TYPE_PREFIX = "studyspot."
SCHEMAS = "/schemas"


class UnreadableMessage(ValueError):
    """A message that is not one of our events."""


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    body: bytes


def versioned(event_type: str, version: int) -> str:
    """Return the type on the wire: `studyspot.booking.created.v1`."""
    return f"{TYPE_PREFIX}{event_type}.v{version}"


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
            "dataschema": f"{SCHEMAS}/{name}.json",
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


def from_message(body: bytes) -> Recorded:
    """Return the event that a message carries.

    Raises:
        UnreadableMessage: it is none of ours.
    """
    try:
        envelope: dict[str, Any] = orjson.loads(body)
        epoch, _, position = envelope["id"].rpartition("-")
        event_type, _, version = envelope["type"].removeprefix(TYPE_PREFIX).rpartition(".v")
        stored = {
            "v": int(version),
            "time": envelope["time"],
            "commandid": envelope["commandid"],
            "actor": envelope.get("actor"),
            "traceparent": envelope.get("traceparent"),
            "data": envelope["data"],
        }
        event, metadata = decode(event_type, orjson.dumps(stored))
        return Recorded(position=int(position), epoch=epoch, event=event, metadata=metadata)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableMessage(f"{body[:120]!r}: {error}") from error
