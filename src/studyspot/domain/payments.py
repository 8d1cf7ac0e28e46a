"""What a library is paid for a booking, and what it gives back: recorded, not collected."""

from dataclasses import dataclass
from datetime import datetime

from studyspot.domain.booking import Booking, Cancelled, Revoked
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import (
    BookingCancelled,
    Event,
    PaymentMethod,
    PaymentRecorded,
    PaymentRefunded,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import NotPayable, PaymentExceedsDue, RefundExceedsPaid
from studyspot.domain.standing import (
    Standing,
    boundary_of_party,
    evolve_standing,
    seen_by_library,
    status_of,
)


@dataclass(frozen=True, slots=True)
class RecordPayment:
    """`reference_id` names a text, such as a transfer's reference."""

    payment_id: str
    booking_id: str
    amount_minor: int
    method: PaymentMethod
    reference_id: str | None
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class RefundPayment:
    booking_id: str
    amount_minor: int
    actor: Actor
    at: datetime


def charged_minor(booking: Booking) -> int:
    """Return what the library keeps of a booking's amount as it stands."""
    match booking:
        case Revoked():
            return 0
        case Cancelled(facts=BookingCancelled(kept_minor=kept)):
            return kept
        case _:
            return booking.facts.amount_minor


def _decide_payment(command: RecordPayment, standing: Standing) -> tuple[Event, ...]:
    booking = seen_by_library(standing, command.actor)
    if booking.facts.amount_minor == 0:
        raise NotPayable
    due = charged_minor(booking) - standing.paid_minor
    if not 0 < command.amount_minor <= due:
        raise PaymentExceedsDue(due)
    return (
        PaymentRecorded(
            **booking.facts.facts(),
            status=status_of(booking),
            payment_id=command.payment_id,
            payment_minor=command.amount_minor,
            paid_minor=standing.paid_minor + command.amount_minor,
            method=command.method,
            reference_id=command.reference_id,
        ),
    )


def _decide_refund(command: RefundPayment, standing: Standing) -> tuple[Event, ...]:
    booking = seen_by_library(standing, command.actor)
    if not 0 < command.amount_minor <= standing.paid_minor:
        raise RefundExceedsPaid(standing.paid_minor)
    return (
        PaymentRefunded(
            **booking.facts.facts(),
            status=status_of(booking),
            refund_minor=command.amount_minor,
            paid_minor=standing.paid_minor - command.amount_minor,
            reason="asked",
        ),
    )


def _boundary(command: RecordPayment | RefundPayment, standing: Standing) -> Boundary:
    return boundary_of_party(command.booking_id, command.actor, standing)


RECORD_PAYMENT = Decider(Standing, evolve_standing, _boundary, _decide_payment)
REFUND_PAYMENT = Decider(Standing, evolve_standing, _boundary, _decide_refund)
