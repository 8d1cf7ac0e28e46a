"""Conflation: of several public frames about one occupation of a seat, the newest stands for the others.

It pushes nothing forward: the newest comes where it would have come, so that positions rise.
"""

import math
from datetime import timedelta
from typing import Generic, TypeVar

from studyspot.domain.events import BookingEvent, Event, HoldEvent, SeatAvailabilityChanged

SeatKey = tuple[str, str, str]
"""What a public seat frame is about: in a library, an occupation; or a seat, whether it is in service."""

Waiter = TypeVar("Waiter")


def seat_key(event: Event) -> SeatKey | None:
    """Return what the event's public seat frame is about; none where it has no such frame."""
    if isinstance(event, HoldEvent | BookingEvent):
        return (event.library_id, "occupation", event.occupation)
    if isinstance(event, SeatAvailabilityChanged):
        return (event.library_id, "seat", event.seat_id)
    return None


class Unsent:
    """Frames that are to be written together, in the order of their positions.

    Attributes:
        size_bytes: of the frames that have not been replaced.
    """

    __slots__ = ("_frames", "size_bytes")

    def __init__(self) -> None:
        self.size_bytes = 0
        self._frames: dict[SeatKey | int, bytes] = {}

    def __bool__(self) -> bool:
        return bool(self._frames)

    def add(self, frame: bytes, position: int, about: SeatKey | None) -> bool:
        """Add the next frame, and return whether it stands for an older one, which is left out.

        Without `about`, it is neither replaced nor does it replace any.
        """
        key = position if about is None else about
        replaced = self._frames.pop(key, None)
        self._frames[key] = frame
        self.size_bytes += len(frame)
        if replaced is None:
            return False
        self.size_bytes -= len(replaced)
        return True

    def take(self) -> list[bytes]:
        """Return the frames, and hold none of them any more."""
        frames = [*self._frames.values()]
        self._frames = {}
        self.size_bytes = 0
        return frames


class Turns(Generic[Waiter]):
    """Who waits for newer frames, and when they all have waited long enough.

    One clock for all of a node, and no timer for each socket: whoever begins to wait later waits shorter.
    """

    def __init__(self, every: timedelta) -> None:
        self._every_seconds = every.total_seconds()
        self._waiting: dict[Waiter, None] = {}
        self._due_at = math.inf
        self._looked_at = math.inf

    @property
    def has_begun(self) -> bool:
        return bool(self._waiting)

    def begin(self, seconds: float) -> None:
        """Let those who come from now on wait for each other, until `every` from now."""
        self._due_at = seconds + self._every_seconds

    def wait(self, waiter: Waiter) -> None:
        self._waiting[waiter] = None

    def due(self, seconds: float) -> dict[Waiter, None]:
        """Return all who wait if it is time, or will be before this is asked again; otherwise nobody.

        `seconds` are those of the clock that never jumps, at rather even intervals.
        """
        next_look = seconds + (seconds - self._looked_at)
        self._looked_at = seconds
        if not self._waiting or max(seconds, next_look) < self._due_at:
            return {}
        waiting, self._waiting = self._waiting, {}
        return waiting
