"""Book a seat, cancel, and take a booking back."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from studyspot.access.quotes import Subject
from studyspot.commands.gate import CommandedOnce
from studyspot.commands.quotes import price_now, quoted_anew
from studyspot.commands.texts import naming
from studyspot.commands.times import interval_of
from studyspot.decisions.identifiers import new_occupation
from studyspot.decisions.run import Accepted
from studyspot.domain.agenda import Agenda
from studyspot.domain.book_seat import BOOK_SEAT, BookSeat
from studyspot.domain.booking_changes import CANCEL_BOOKING, REVOKE_BOOKING, CancelBooking, RevokeBooking
from studyspot.domain.events import (
    BookingCancelled,
    BookingCreated,
    BookingRevoked,
    BookingTerms,
    Event,
    PaymentRefunded,
)
from studyspot.domain.occupying import student_of
from studyspot.domain.refusals import PriceChanged, SeatOutOfService, SeatTaken
from studyspot.domain.standing import Standing
from studyspot.wire.booking_bodies import (
    BookingAnswer,
    BookSeatBody,
    CancelBody,
    CancelledAnswer,
    RevokeBody,
    RevokedAnswer,
)
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/bookings", tags=["bookings"])

BookingId = Annotated[Identifier, Path()]


@router.post("", status_code=201)
async def book_seat(body: BookSeatBody, gate: CommandedOnce) -> BookingAnswer:
    """Book a seat for [start, end)."""
    user_id = student_of(gate.actor, body.user_id)
    start, end = await interval_of(gate, body.library_id, body.start, body.end)
    subject = Subject(body.library_id, body.seat_id, user_id, start, end)
    command = BookSeat(
        booking_id=gate.new_id(),
        occupation=new_occupation(),
        library_id=body.library_id,
        seat_id=body.seat_id,
        user_id=user_id,
        start=start,
        end=end,
        plan_id=body.plan_id,
        actor=gate.actor,
        at=gate.at,
        hold_id=body.hold_id,
        quote=gate.quotes.verify(body.quote_id, subject) if body.quote_id is not None else None,
    )
    try:
        accepted = await gate.decisions.run(BOOK_SEAT, command, gate.circumstances(), _booked)
    except PriceChanged as changed:
        fresh = gate.quotes.quote(subject, price_now(changed), gate.at)
        raise quoted_anew(changed, fresh, subject) from None
    except (SeatTaken, SeatOutOfService) as refusal:
        raise await gate.alternatives.beside(refusal, body.library_id, body.seat_id, start, end) from None
    return BookingAnswer.model_validate(gate.answer(accepted))


@router.post("/{booking_id}/cancel")
async def cancel_booking(
    booking_id: BookingId, gate: CommandedOnce, body: CancelBody | None = None
) -> CancelledAnswer:
    """Cancel a booking: free until its cutoff, late afterwards."""

    async def run(reason_id: str | None) -> Accepted:
        command = CancelBooking(booking_id, reason_id, gate.actor, gate.at)
        return await gate.decisions.run(CANCEL_BOOKING, command, gate.circumstances(), _cancelled)

    accepted = await naming(gate, booking_id, body.reason if body is not None else None, run)
    return CancelledAnswer.model_validate(gate.answer(accepted))


@router.post("/{booking_id}/revoke")
async def revoke_booking(
    booking_id: BookingId, gate: CommandedOnce, body: RevokeBody | None = None
) -> RevokedAnswer:
    """Take a booking back, as its library, and give all of its amount back."""

    async def run(reason_id: str | None) -> Accepted:
        command = RevokeBooking(booking_id, "library", reason_id, gate.actor, gate.at)
        return await gate.decisions.run(REVOKE_BOOKING, command, gate.circumstances(), revoked)

    accepted = await naming(gate, booking_id, body.reason if body is not None else None, run)
    return RevokedAnswer.model_validate(gate.answer(accepted))


def described(terms: BookingTerms) -> dict[str, Any]:
    """Return a confirmed booking as it is answered."""
    return {
        "id": terms.booking_id,
        "libraryId": terms.library_id,
        "seatId": terms.seat_id,
        "userId": terms.user_id,
        "start": terms.start,
        "end": terms.end,
        "status": "confirmed",
        "amountMinor": terms.amount_minor,
        "currency": terms.currency,
        "planId": terms.plan_id,
        "priceVersion": terms.price_version,
        "checkInFrom": terms.check_in_from,
        "checkInUntil": terms.check_in_until,
        "freeCancelUntil": terms.free_cancel_until,
        "lateRefundPercent": terms.late_refund_percent,
        "planShare": terms.plan_share,
    }


def refunded_minor(events: tuple[Event, ...]) -> int:
    """Return what these events give back of what was paid."""
    return sum(event.refund_minor for event in events if isinstance(event, PaymentRefunded))


def revoked(_: Standing, events: tuple[Event, ...]) -> dict[str, Any]:
    """Return a booking that was taken back as it is answered."""
    taken_back = next(event for event in events if isinstance(event, BookingRevoked))
    return {
        "id": taken_back.booking_id,
        "status": taken_back.status,
        "keptMinor": 0,
        "refundMinor": refunded_minor(events),
    }


def _booked(_: Agenda, events: tuple[Event, ...]) -> dict[str, Any]:
    created = next(event for event in events if isinstance(event, BookingCreated))
    return {**described(created), "holdId": created.hold_id}


def _cancelled(_: Standing, events: tuple[Event, ...]) -> dict[str, Any]:
    cancelled = next(event for event in events if isinstance(event, BookingCancelled))
    return {
        "id": cancelled.booking_id,
        "status": cancelled.status,
        "late": cancelled.late,
        "keptMinor": cancelled.kept_minor,
        "refundMinor": refunded_minor(events),
    }
