"""What a client's stream of events yields."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event, in the richest view that one of our rooms has of it.

    `rooms` are those for which it is new; `name` as in `booking:created`, `type` as in
    `studyspot.booking.created.v1`. Only full views name the actor and the command.
    """

    name: str
    position: int
    rooms: tuple[str, ...]
    id: str
    type: str
    time: datetime
    data: Mapping[str, Any]
    actor: str | None = None
    command_id: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class SnapshotRequired:
    """What happened since the last event cannot be told: read snapshots anew, at `position` or later.

    The history has another epoch, or the stream begins later. What follows is live, after `position`.
    """

    epoch: str
    position: int


@dataclass(frozen=True, slots=True)
class RoomLost:
    """We are no longer in this room, and did not ask to leave it."""

    room: str
    reason: str


Item = Event | SnapshotRequired | RoomLost
