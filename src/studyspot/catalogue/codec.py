"""Events as bytes: how the store holds them.

Stored data is one JSON object: `v` (the version), `time`, `actor`, `commandid`, `traceparent` and `data`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from studyspot.catalogue.types import EVENT_CLASSES, class_of
from studyspot.domain.events import Event
from studyspot.domain.shape import Shape

VERSION: Literal[1] = 1


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored(Shape):
    v: Literal[1]
    time: datetime
    commandid: str
    actor: str | None
    traceparent: str | None
    data: dict[str, Any]


_stored = TypeAdapter(_Stored)
_adapters: dict[type[Event], TypeAdapter[Any]] = {
    event_class: TypeAdapter(event_class) for event_class in EVENT_CLASSES
}


def adapter_of(event_class: type[Event]) -> TypeAdapter[Any]:
    """Return what validates, dumps and describes the data of this class."""
    return _adapters[event_class]


def encode(event: Event, metadata: Metadata) -> bytes:
    """Return the stored data of an event."""
    return _stored.dump_json(
        _Stored(
            v=VERSION,
            time=metadata.time,
            commandid=metadata.command_id,
            actor=metadata.actor,
            traceparent=metadata.traceparent,
            data=adapter_of(type(event)).dump_python(event, mode="json", by_alias=True),
        )
    )


def decode(event_type: str, data: bytes) -> tuple[Event, Metadata]:
    """Return the event and its metadata.

    Raises:
        UnknownEventType: the vocabulary has no such type.
        UnreadableEvent: the data is not what the type promises.
    """
    event_class = class_of(event_type)
    try:
        stored = _stored.validate_json(data)
        event: Event = adapter_of(event_class).validate_python(stored.data)
    except ValidationError as error:
        raise UnreadableEvent(f"{event_type}: {error}") from error
    metadata = Metadata(
        time=stored.time,
        command_id=stored.commandid,
        actor=stored.actor,
        traceparent=stored.traceparent,
    )
    return event, metadata
