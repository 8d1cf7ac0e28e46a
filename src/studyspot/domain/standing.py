"""A booking that stands, with what decisions about it depend on: its payments, its library, its seat."""

from dataclasses import dataclass
from typing import assert_never

from studyspot.domain.booking import (
    Booking,
    Cancelled,
    CheckedIn,
    Completed,
    Confirmed,
    Ended,
    NoShow,
    Revoked,
    events_of_booking,
    evolve_booking,
)
from studyspot.domain.decider import Boundary, Criterion
from studyspot.domain.events import (
    BookingEvent,
    BookingFacts,
    BookingStatus,
    Event,
    LibraryEvent,
    PaymentEvent,
    PaymentRecorded,
    PaymentRefunded,
    RefundReason,
    SeatEvent,
    StaffEvent,
)
from studyspot.domain.library import Library, evolve_library, settings_of
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    BookingCancelledAlready,
    BookingCompletedAlready,
    BookingMissed,
    BookingRevokedAlready,
    BookingUnknown,
    Refusal,
)
from studyspot.domain.seat import Seat, evolve_seat
from studyspot.domain.tags import booking as booking_tag


@dataclass(slots=True)
class Standing:
    """`paid_minor` is what the library has for the booking, refunds taken off."""

    booking: Booking | None = None
    paid_minor: int = 0
    library: Library | None = None
    seat: Seat | None = None


def evolve_standing(standing: Standing, event: Event) -> Standing:
    if isinstance(event, BookingEvent):
        standing.booking = evolve_booking(standing.booking, event)
    elif isinstance(event, PaymentEvent):
        standing.paid_minor = event.paid_minor
    elif isinstance(event, LibraryEvent | StaffEvent):
        standing.library = evolve_library(standing.library, event)
    elif isinstance(event, SeatEvent):
        standing.seat = evolve_seat(standing.seat, event)
    return standing


def boundary_of_party(booking_id: str, actor: Actor, standing: Standing) -> Boundary:
    """Return what a party's decision reads: the booking, and the library where one acts for it."""
    own = events_of_booking_and_payments(booking_id)
    if standing.booking is None or actor.role == "student":
        return own
    return (*own, *settings_of(standing.booking.facts.library_id))


def events_of_booking_and_payments(booking_id: str) -> Boundary:
    payments = Criterion((PaymentRecorded, PaymentRefunded), booking_tag(booking_id), newest=True)
    return (*events_of_booking(booking_id), payments)


def seen_by_party(standing: Standing, actor: Actor) -> Booking:
    """Return the booking for its student, whatever role they have now, or its library.

    To all others it does not exist.

    Raises:
        BookingUnknown: there is none, or it is none of theirs.
    """
    booking, library = standing.booking, standing.library
    if booking is None:
        raise BookingUnknown
    if booking.facts.user_id == actor.user_id or (library is not None and library.managed_by(actor)):
        return booking
    raise BookingUnknown


def seen_by_library(standing: Standing, actor: Actor) -> Booking:
    """Return the booking for its library; that it is the actor's own gives no right to this.

    Raises:
        BookingUnknown: there is none, or it is in none of theirs.
    """
    if standing.library is None or not standing.library.managed_by(actor):
        raise BookingUnknown
    return seen_by_party(standing, actor)


def refund(
    standing: Standing, facts: BookingFacts, kept_minor: int, status: BookingStatus, reason: RefundReason
) -> tuple[PaymentRefunded, ...]:
    """Return what is given back where more was paid than the library keeps."""
    excess = standing.paid_minor - kept_minor
    if excess <= 0:
        return ()
    return (
        PaymentRefunded(
            **facts.facts(), status=status, refund_minor=excess, paid_minor=kept_minor, reason=reason
        ),
    )


def status_of(booking: Booking) -> BookingStatus:
    match booking:
        case Confirmed():
            return "confirmed"
        case CheckedIn():
            return "checked-in"
        case Completed():
            return "completed"
        case Cancelled():
            return "cancelled"
        case NoShow():
            return "no-show"
        case Revoked():
            return "revoked"
        case _ as unreachable:
            assert_never(unreachable)


def ended_already(booking: Ended) -> Refusal:
    """Return why nothing more becomes of this booking."""
    match booking:
        case Cancelled():
            return BookingCancelledAlready()
        case Completed():
            return BookingCompletedAlready()
        case NoShow():
            return BookingMissed()
        case Revoked():
            return BookingRevokedAlready()
        case _ as unreachable:
            assert_never(unreachable)
