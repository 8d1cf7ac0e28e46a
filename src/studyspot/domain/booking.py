"""A booking: its states, and how events lead from one to the next."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from studyspot.domain.decider import Criterion
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingCreated,
    BookingEvent,
    BookingFacts,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    BookingTerms,
)
from studyspot.domain.tags import booking as booking_tag

BOOKING_EVENTS = (
    *(BookingCreated, BookingRescheduled, BookingCancelled, BookingCheckedIn),
    *(BookingCheckedOut, BookingCompleted, BookingNoShow, BookingRevoked),
)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """To come, or begun without its student, under the terms of its newest rescheduling.

    `series_id` is that of the bookings that it was made with, wherever it has been moved.
    """

    facts: BookingTerms
    series_id: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedIn:
    facts: BookingFacts


@dataclass(frozen=True, slots=True)
class Completed:
    facts: BookingFacts


@dataclass(frozen=True, slots=True)
class Cancelled:
    facts: BookingFacts
    late: bool


@dataclass(frozen=True, slots=True)
class NoShow:
    facts: BookingFacts
    missed_at: datetime


@dataclass(frozen=True, slots=True)
class Revoked:
    facts: BookingFacts


Ended = Completed | Cancelled | NoShow | Revoked
Booking = Confirmed | CheckedIn | Ended


def evolve_booking(booking: Booking | None, event: BookingEvent) -> Booking:
    match event:
        case BookingCreated():
            return Confirmed(event, event.series_id)
        case BookingRescheduled():
            return Confirmed(event, booking.series_id if isinstance(booking, Confirmed) else None)
        case BookingCheckedIn():
            return CheckedIn(event)
        case BookingCheckedOut() | BookingCompleted():
            return Completed(event)
        case BookingCancelled():
            return Cancelled(event, event.late)
        case BookingNoShow():
            return NoShow(event, event.missed_at)
        case BookingRevoked():
            return Revoked(event)
        case _ as unreachable:
            assert_never(unreachable)


def is_missed(booking: Booking, at: datetime) -> bool:
    """Say whether check-in closed without the student, whether or not anybody noticed."""
    return isinstance(booking, Confirmed) and at >= booking.facts.check_in_until


def missed(booking: Confirmed) -> BookingNoShow:
    """Return the event that a missed booking leads to; who relies on it appends it in the same append."""
    return BookingNoShow(**booking.facts.facts(), missed_at=booking.facts.check_in_until)


def events_of_booking(booking_id: str) -> tuple[Criterion, ...]:
    """Return what a decision about this booking reads."""
    return (Criterion(BOOKING_EVENTS, booking_tag(booking_id)),)
