"""What happens to a booking that stands: cancel, check in, check out."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from studyspot.domain.booking import (
    Booking,
    Cancelled,
    CheckedIn,
    Completed,
    Confirmed,
    events_of_booking,
    evolve_booking,
)
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingEvent,
    Event,
    LibraryEvent,
)
from studyspot.domain.library import Library, evolve_library, settings_of
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    BookingCancelledAlready,
    BookingCompletedAlready,
    BookingOver,
    BookingUnknown,
    CheckedInAlready,
    CheckInTooEarly,
    CheckInWindowMissed,
    NotCheckedIn,
    Refusal,
)


@dataclass(frozen=True, slots=True)
class CancelBooking:
    booking_id: str
    reason_id: str | None
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class CheckIn:
    booking_id: str
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class CheckOut:
    booking_id: str
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A booking, and the library where one other than its student acts."""

    booking: Booking | None = None
    library: Library | None = None


def _decide_cancel(command: CancelBooking, standing: Standing) -> tuple[Event, ...]:
    booking = _party_to(standing, command.actor)
    match booking:
        case Confirmed(facts=facts, free_cancel_until=free_until):
            if command.at >= facts.end:
                raise BookingOver
            late = command.at > free_until
            return (BookingCancelled(**facts.facts(), late=late, reason_id=command.reason_id),)
        case CheckedIn():
            raise CheckedInAlready
        case Cancelled() | Completed():
            raise _ended_already(booking)
        case _ as unreachable:
            assert_never(unreachable)


def _decide_check_in(command: CheckIn, standing: Standing) -> tuple[Event, ...]:
    booking = _party_to(standing, command.actor)
    match booking:
        case Confirmed(facts=facts, check_in_from=opens, check_in_until=closes):
            if command.at < opens:
                raise CheckInTooEarly(opens)
            if command.at >= closes:
                raise CheckInWindowMissed(closes)
            return (BookingCheckedIn(**facts.facts()),)
        case CheckedIn():
            raise CheckedInAlready
        case Cancelled() | Completed():
            raise _ended_already(booking)
        case _ as unreachable:
            assert_never(unreachable)


def _decide_check_out(command: CheckOut, standing: Standing) -> tuple[Event, ...]:
    booking = _party_to(standing, command.actor)
    match booking:
        case CheckedIn(facts=facts):
            return (BookingCheckedOut(**facts.facts()),)
        case Confirmed():
            raise NotCheckedIn
        case Cancelled() | Completed():
            raise _ended_already(booking)
        case _ as unreachable:
            assert_never(unreachable)


def _boundary(command: CancelBooking | CheckIn | CheckOut, standing: Standing) -> Boundary:
    own = events_of_booking(command.booking_id)
    if standing.booking is None or command.actor.role == "student":
        return own
    return (*own, *settings_of(standing.booking.facts.library_id))


def _evolve(standing: Standing, event: Event) -> Standing:
    if isinstance(event, BookingEvent):
        return replace(standing, booking=evolve_booking(standing.booking, event))
    if isinstance(event, LibraryEvent):
        return replace(standing, library=evolve_library(standing.library, event))
    return standing


def _party_to(standing: Standing, actor: Actor) -> Booking:
    """Return the booking for its student or its library; to all others it does not exist."""
    booking, library = standing.booking, standing.library
    if booking is None:
        raise BookingUnknown
    own = actor.role == "student" and booking.facts.user_id == actor.user_id
    if own or (library is not None and library.managed_by(actor)):
        return booking
    raise BookingUnknown


def _ended_already(booking: Cancelled | Completed) -> Refusal:
    """Return why nothing more becomes of this booking."""
    match booking:
        case Cancelled():
            return BookingCancelledAlready()
        case Completed():
            return BookingCompletedAlready()
        case _ as unreachable:
            assert_never(unreachable)


CANCEL_BOOKING = Decider(Standing, _evolve, _boundary, _decide_cancel)
CHECK_IN = Decider(Standing, _evolve, _boundary, _decide_check_in)
CHECK_OUT = Decider(Standing, _evolve, _boundary, _decide_check_out)
