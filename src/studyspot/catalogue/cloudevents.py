"""Events as messages: CloudEvents 1.0 in structured JSON, as the broker carries them.

A message keeps the version that the store holds, whatever came later: the same event gives the same bytes.
Whoever reads one gets the newest version.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from studyspot.catalogue.codec import Metadata, Recorded, decode, facts_of
from studyspot.catalogue.subjects import subject
from studyspot.catalogue.types import VOCABULARY, UnknownEvent, Vocabulary

SOURCE = "/studyspot"
TYPE_PREFIX = "studyspot."
SCHEMAS = "/schemas"

# How our own messages begin; whoever writes JSON otherwise is read as well, and slower.
_BEGINNING = re.compile(
    rb'\{"specversion":"1\.0","id":"[A-Za-z0-9_-]+","source":"/studyspot","type":"studyspot\.([a-z.-]+)\.v(\d+)",'
)


class UnreadableMessage(ValueError):
    """A message that is not one of our events."""


class UnknownMessage(UnreadableMessage):
    """A message with an event that this release does not know; the cause says whether by type or version."""


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    body: bytes


Data = TypeVar("Data")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope(Generic[Data]):
    """What is read of a message; the rest of it follows from this."""

    id: str
    time: datetime
    commandid: str
    actor: str | None = None
    traceparent: str | None = None
    data: Data


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
        if (known := _read_at_once(body, vocabulary)) is not None:
            return known
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


def _read_at_once(body: bytes, vocabulary: Vocabulary) -> Recorded | None:
    """Return the event of a message of ours in its newest version, in half of the time; none of any other."""
    beginning = _BEGINNING.match(body)
    if beginning is None:
        return None
    event_type, version = beginning[1].decode(), int(beginning[2])
    newest = vocabulary.newest(vocabulary.class_of(event_type))
    if version != newest.number:
        return None
    try:
        envelope = _reader(vocabulary, event_type)(body)
    except ValidationError:
        return None  # What is wrong with it is said by whoever reads it in parts.
    epoch, _, position = envelope.id.rpartition("-")
    metadata = Metadata(
        time=envelope.time,
        command_id=envelope.commandid,
        actor=envelope.actor,
        traceparent=envelope.traceparent,
    )
    return Recorded(position=int(position), epoch=epoch, event=envelope.data, metadata=metadata)


@cache
def _reader(vocabulary: Vocabulary, event_type: str) -> Callable[[bytes], _Envelope[Any]]:
    shape = vocabulary.newest(vocabulary.class_of(event_type)).shape
    envelope: TypeAdapter[Any] = TypeAdapter(_Envelope[shape])  # type: ignore[valid-type]
    return envelope.validator.validate_json


def _type_and_version(name: str) -> tuple[str, int]:
    event_type, _, version = name.removeprefix(TYPE_PREFIX).rpartition(".v")
    if not name.startswith(TYPE_PREFIX) or not event_type:
        raise ValueError(f"{name!r} is no type of ours")
    return event_type, int(version)
