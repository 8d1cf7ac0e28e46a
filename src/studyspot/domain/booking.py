"""A booking: its states, and how events lead from one to the next."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from studyspot.domain.decider import Criterion
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    BookingEvent,
    BookingFacts,
)
from studyspot.domain.tags import booking as booking_tag

BOOKING_EVENTS = (BookingCreated, BookingCancelled, BookingCheckedIn, BookingCheckedOut)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Check-in is open in [check_in_from, check_in_until); before `free_cancel_until` cancelling is free."""

    facts: BookingFacts
    check_in_from: datetime
    check_in_until: datetime
    free_cancel_until: datetime


@dataclass(frozen=True, slots=True)
class CheckedIn:
    facts: BookingFacts


@dataclass(frozen=True, slots=True)
class Completed:
    facts: BookingFacts


@dataclass(frozen=True, slots=True)
class Cancelled:
    facts: BookingFacts


Booking = Confirmed | CheckedIn | Completed | Cancelled


def evolve_booking(booking: Booking | None, event: BookingEvent) -> Booking:
    match event:
        case BookingCreated():
            return Confirmed(event, event.check_in_from, event.check_in_until, event.free_cancel_until)
        case BookingCheckedIn():
            return CheckedIn(event)
        case BookingCheckedOut():
            return Completed(event)
        case BookingCancelled():
            return Cancelled(event)
        case _ as unreachable:
            assert_never(unreachable)


def occupies(booking: Booking, start: datetime, end: datetime) -> bool:
    """Say whether the booking holds its seat, and its student, for some of [start, end)."""
    match booking:
        case Confirmed(facts=facts) | CheckedIn(facts=facts):
            return facts.start < end and start < facts.end
        case Completed() | Cancelled():
            return False
        case _ as unreachable:
            assert_never(unreachable)


def events_of_booking(booking_id: str) -> tuple[Criterion, ...]:
    """Return what a decision about this booking reads."""
    return (Criterion(BOOKING_EVENTS, booking_tag(booking_id)),)
