"""The ledger of a booking: what the library was paid for it, and what it gave back."""

from typing import Any

from fastapi import APIRouter

from studyspot.commands.bookings import BookingId
from studyspot.commands.gate import CommandedOnce
from studyspot.commands.texts import naming
from studyspot.decisions.run import Accepted
from studyspot.domain.events import Event, PaymentRecorded, PaymentRefunded
from studyspot.domain.payments import (
    RECORD_PAYMENT,
    REFUND_PAYMENT,
    RecordPayment,
    RefundPayment,
    charged_minor,
)
from studyspot.domain.standing import Standing
from studyspot.wire.booking_bodies import PaymentAnswer, PaymentBody

router = APIRouter(prefix="/api/bookings", tags=["bookings"])


@router.post("/{booking_id}/payments", status_code=201)
async def record_payment(booking_id: BookingId, body: PaymentBody, gate: CommandedOnce) -> PaymentAnswer:
    """Record, as the library, what was paid for a booking, or what was given back; nothing is collected."""

    async def pay(reference_id: str | None) -> Accepted:
        assert body.method is not None
        command = RecordPayment(
            payment_id=gate.new_id(),
            booking_id=booking_id,
            amount_minor=body.amount_minor,
            method=body.method,
            reference_id=reference_id,
            actor=gate.actor,
            at=gate.at,
        )
        return await gate.decisions.run(RECORD_PAYMENT, command, gate.circumstances(), _paid)

    if body.kind == "payment":
        accepted = await naming(gate, booking_id, body.reference, pay)
    else:
        refund = RefundPayment(booking_id, body.amount_minor, gate.actor, gate.at)
        accepted = await gate.decisions.run(REFUND_PAYMENT, refund, gate.circumstances(), _refunded)
    return PaymentAnswer.model_validate(gate.answer(accepted))


def _paid(standing: Standing, events: tuple[Event, ...]) -> dict[str, Any]:
    (paid,) = events
    assert isinstance(paid, PaymentRecorded)
    return {
        **_entered(standing, paid),
        "kind": "payment",
        "paymentId": paid.payment_id,
        "amountMinor": paid.payment_minor,
    }


def _refunded(standing: Standing, events: tuple[Event, ...]) -> dict[str, Any]:
    (refunded,) = events
    assert isinstance(refunded, PaymentRefunded)
    return {
        **_entered(standing, refunded),
        "kind": "refund",
        "paymentId": None,
        "amountMinor": refunded.refund_minor,
    }


def _entered(standing: Standing, entry: PaymentRecorded | PaymentRefunded) -> dict[str, Any]:
    assert standing.booking is not None
    return {
        "id": entry.booking_id,
        "bookingStatus": entry.status,
        "currency": entry.currency,
        "paidMinor": entry.paid_minor,
        "dueMinor": charged_minor(standing.booking) - entry.paid_minor,
    }
