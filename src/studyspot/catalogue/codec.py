"""Events as bytes: how the store holds them.

Stored data is one JSON object: `v` (the version), `time`, `actor`, `commandid`, `traceparent` and `data`.
What is written has the newest version; what is read may have any, and comes out in the newest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from studyspot.catalogue.types import VOCABULARY, Vocabulary
from studyspot.domain.events import Event
from studyspot.domain.shape import Shape


class UnreadableEvent(ValueError):
    """Stored data that is not an event of its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Who did it, when (UTC), by which command, in which trace (W3C traceparent). Policies have no actor."""

    time: datetime
    command_id: str
    actor: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event at its place in the log; `epoch` is the one under which it was appended."""

    position: int
    epoch: str
    event: Event
    metadata: Metadata

    @property
    def id(self) -> str:
        return f"{self.epoch}-{self.position}"


Data = TypeVar("Data")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored(Shape, Generic[Data]):
    v: Annotated[int, Field(strict=True, ge=1)]
    time: datetime
    commandid: str
    actor: str | None
    traceparent: str | None
    data: Data


_stored = TypeAdapter(_Stored[dict[str, Any]])


@dataclass(frozen=True, slots=True)
class _Newest:
    """How stored data in an event's newest version begin, and what reads them in one piece."""

    beginning: bytes
    read: Callable[[bytes], _Stored[Any]]


def encode(event: Event, metadata: Metadata, vocabulary: Vocabulary = VOCABULARY) -> bytes:
    """Return the stored data of an event."""
    newest = vocabulary.newest(type(event))
    return _stored.dump_json(
        _Stored(
            v=newest.number,
            time=metadata.time,
            commandid=metadata.command_id,
            actor=metadata.actor,
            traceparent=metadata.traceparent,
            data=facts_of(event, vocabulary),
        )
    )


def facts_of(event: Event, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """Return an event's data as JSON has them, in the newest version."""
    facts: dict[str, Any] = vocabulary.newest(type(event)).adapter.dump_python(
        event, mode="json", by_alias=True
    )
    return facts


def decode(event_type: str, data: bytes, vocabulary: Vocabulary = VOCABULARY) -> tuple[Event, Metadata]:
    """Return the event, whatever version it was stored in, and its metadata.

    Raises:
        UnknownEventType: the vocabulary has no such type.
        UnknownEventVersion: a newer release wrote it; one that knows this version reads it.
        UnreadableEvent: the data is not what the type promises.
    """
    newest = _newest(vocabulary, event_type)
    if data.startswith(newest.beginning):
        try:
            # In one piece, which takes half of the time.
            stored = newest.read(data)
        except ValidationError:
            pass  # What is wrong with it is said below.
        else:
            return stored.data, _metadata(stored)
    try:
        stored = _stored.validate_json(data)
    except ValidationError as error:
        raise UnreadableEvent(f"{event_type}: {error}") from error
    written = vocabulary.version(event_type, stored.v)
    try:
        event = vocabulary.read(written, stored.data)
    except ValueError as error:
        raise UnreadableEvent(f"{event_type}, version {stored.v}: {error}") from error
    return event, _metadata(stored)


@cache
def _newest(vocabulary: Vocabulary, event_type: str) -> _Newest:
    version = vocabulary.newest(vocabulary.class_of(event_type))
    record: TypeAdapter[Any] = TypeAdapter(_Stored[version.shape])  # type: ignore[name-defined]
    return _Newest(b'{"v":%d,' % version.number, record.validator.validate_json)


def _metadata(stored: _Stored[Any]) -> Metadata:
    return Metadata(
        time=stored.time,
        command_id=stored.commandid,
        actor=stored.actor,
        traceparent=stored.traceparent,
    )
