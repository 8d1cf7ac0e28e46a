"""Who belongs to which library: folded from events, in stream order."""

from dataclasses import dataclass
from typing import assert_never

from studyspot.catalogue.subjects import subjects_of_type
from studyspot.catalogue.types import type_of
from studyspot.domain.events import (
    AccountEvent,
    BookingEvent,
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    HoldEvent,
    LibraryCreated,
    LibraryDeleted,
    LibraryEvent,
    LibraryHoursSet,
    LibraryRulesSet,
    LibraryUpdated,
    NoticeEvent,
    PaymentEvent,
    PricingUpdated,
    SeatEvent,
    StaffEvent,
    WaitlistEvent,
)
from studyspot.ws_fanout.rooms import staff_room

RIGHTS_SUBJECTS = (subjects_of_type(type_of(LibraryCreated)),)
"""Subjects of the events that change anyone's rights."""


@dataclass(frozen=True, slots=True)
class Granted:
    """From now on this person belongs in this room."""

    user_id: str
    room: str


Change = Granted


class Rights:
    """What the events up to `position` say about who may be where."""

    def __init__(self) -> None:
        self.position = 0
        self._staff_rooms: dict[str, dict[str, None]] = {}

    def staff_rooms_of(self, user_id: str) -> tuple[str, ...]:
        """Return the staff rooms of the libraries that this person owns or works for, oldest first."""
        return tuple(self._staff_rooms.get(user_id, ()))

    def apply(self, position: int, event: Event) -> tuple[Change, ...]:
        """Take in the event at `position` and return what it changes; one taken in before changes nothing."""
        if position <= self.position:
            return ()
        self.position = position
        if isinstance(event, SeatEvent | HoldEvent | BookingEvent | PaymentEvent):
            return ()
        if isinstance(event, StaffEvent | AccountEvent | WaitlistEvent | NoticeEvent):
            return ()
        if isinstance(event, LibraryEvent):
            return self._of_library(event)
        assert_never(event)

    def _of_library(self, event: LibraryEvent) -> tuple[Change, ...]:
        match event:
            case LibraryCreated(library_id=library_id, owner_id=owner_id):
                return self._grant(owner_id, staff_room(library_id))
            case LibraryDeleted():
                # History stays, and its owner's to read: a resume from before must still bring it all.
                return ()
            case (
                LibraryUpdated()
                | LibraryHoursSet()
                | LibraryRulesSet()
                | ClosureAnnounced()
                | ClosureWithdrawn()
                | PricingUpdated()
            ):
                return ()
            case _ as unreachable:
                assert_never(unreachable)

    def _grant(self, user_id: str, room: str) -> tuple[Change, ...]:
        rooms = self._staff_rooms.setdefault(user_id, {})
        if room in rooms:
            return ()
        rooms[room] = None
        return (Granted(user_id, room),)
