"""What a decision about a seat and a time depends on: the seat's days, and the student's weeks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from studyspot.domain.account import Account, evolve_account
from studyspot.domain.booking import BOOKING_EVENTS, Booking, CheckedIn, Confirmed, evolve_booking
from studyspot.domain.events import (
    AccountEvent,
    BookingCreated,
    BookingEvent,
    BookingFacts,
    Event,
    HoldEvent,
    HoldFacts,
    LibraryEvent,
    SeatEvent,
    StaffEvent,
    WaitlistEvent,
)
from studyspot.domain.hold import HOLD_EVENTS, Held, Hold, evolve_hold
from studyspot.domain.library import Library, evolve_library
from studyspot.domain.seat import Seat, evolve_seat
from studyspot.domain.waiting import Entry, evolve_entry

OCCUPYING_EVENTS = (*HOLD_EVENTS, *BOOKING_EVENTS)

Live = Held | Confirmed | CheckedIn
"""What takes a seat, and its student's time, unless the clock has ended it."""


@dataclass(slots=True)
class Agenda:
    """A library, a seat, a student's account, and holds and bookings of the days and weeks that were read.

    One that has moved away may be known only up to then: what lies outside is not to be relied on.
    `entries` are places in waitlists, in the order in which they were taken.
    """

    library: Library | None = None
    seat: Seat | None = None
    bookings: dict[str, Booking] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    entries: dict[str, Entry] = field(default_factory=dict)

    def live(self) -> Iterator[Live]:
        """Yield holds and bookings that have not been ended by an event."""
        for hold in self.holds.values():
            if isinstance(hold, Held):
                yield hold
        for booking in self.bookings.values():
            if isinstance(booking, Confirmed | CheckedIn):
                yield booking


def evolve_agenda(agenda: Agenda, event: Event) -> Agenda:
    """Fold one event; what such decisions do not depend on changes nothing."""
    if isinstance(event, LibraryEvent | StaffEvent):
        agenda.library = evolve_library(agenda.library, event)
    elif isinstance(event, SeatEvent):
        agenda.seat = evolve_seat(agenda.seat, event)
    elif isinstance(event, AccountEvent):
        agenda.account = evolve_account(agenda.account, event)
    elif isinstance(event, HoldEvent):
        _evolve_hold(agenda, event.hold_id, event)
    elif isinstance(event, BookingEvent):
        before = agenda.bookings.get(event.booking_id)
        agenda.bookings[event.booking_id] = evolve_booking(before, event)
        if isinstance(event, BookingCreated) and event.hold_id is not None:
            _evolve_hold(agenda, event.hold_id, event)
    elif isinstance(event, WaitlistEvent):
        entry = evolve_entry(agenda.entries.get(event.entry_id), event)
        if entry is not None:
            agenda.entries[event.entry_id] = entry
    return agenda


def takes_seat(facts: HoldFacts | BookingFacts, seat_id: str, start: datetime, end: datetime) -> bool:
    """Say whether this takes the seat for some of [start, end), its buffer included."""
    return facts.seat_id == seat_id and facts.start < end and start < facts.occupied_until


def takes_student(facts: HoldFacts | BookingFacts, user_id: str, start: datetime, end: datetime) -> bool:
    """Say whether this takes the student's time for some of [start, end), in whatever library."""
    return facts.user_id == user_id and facts.start < end and start < facts.end


def _evolve_hold(agenda: Agenda, hold_id: str, event: HoldEvent | BookingCreated) -> None:
    hold = evolve_hold(agenda.holds.get(hold_id), event)
    if hold is not None:
        agenda.holds[hold_id] = hold
