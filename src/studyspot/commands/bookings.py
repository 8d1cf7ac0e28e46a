"""Book a seat, cancel, check in, check out."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from studyspot.commands.gate import CommandedOnce
from studyspot.decisions.identifiers import new_occupation
from studyspot.domain.book_seat import BOOK_SEAT, BookSeat, Situation
from studyspot.domain.booking_changes import (
    CANCEL_BOOKING,
    CHECK_IN,
    CHECK_OUT,
    CancelBooking,
    CheckIn,
    CheckOut,
    Standing,
)
from studyspot.domain.events import BookingCancelled, BookingCreated, Event
from studyspot.event_store.errors import StoreUnavailable
from studyspot.wire.bodies import AttendanceAnswer, BookingAnswer, BookSeatBody, CancelBody, CancelledAnswer
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/bookings", tags=["bookings"])

BookingId = Annotated[Identifier, Path()]


@router.post("", status_code=201)
async def book_seat(body: BookSeatBody, gate: CommandedOnce) -> BookingAnswer:
    """Book a seat for [start, end)."""
    command = BookSeat(
        booking_id=gate.new_id(),
        occupation=new_occupation(),
        library_id=body.library_id,
        seat_id=body.seat_id,
        user_id=body.user_id,
        start=body.start,
        end=body.end,
        plan_id=body.plan_id,
        actor=gate.actor,
        at=gate.at,
    )
    accepted = await gate.decisions.run(BOOK_SEAT, command, gate.circumstances(), _booked)
    return BookingAnswer.model_validate(gate.answer(accepted))


@router.post("/{booking_id}/cancel")
async def cancel_booking(
    booking_id: BookingId, gate: CommandedOnce, body: CancelBody | None = None
) -> CancelledAnswer:
    """Cancel a booking: free until its cutoff, late afterwards."""
    reason_id = None
    if body is not None and body.reason is not None:
        reason_id = gate.new_id()
        await gate.texts.keep(reason_id, body.reason)
    command = CancelBooking(booking_id, reason_id, gate.actor, gate.at)
    may_be_named = False
    try:
        accepted = await gate.decisions.run(CANCEL_BOOKING, command, gate.circumstances(), _cancelled)
        may_be_named = not accepted.repeated
    except StoreUnavailable:
        may_be_named = True
        raise
    finally:
        # A text that no event names could never be found again.
        if reason_id is not None and not may_be_named:
            await gate.texts.forget(reason_id)
    return CancelledAnswer.model_validate(gate.answer(accepted))


@router.post("/{booking_id}/check-in")
async def check_in(booking_id: BookingId, gate: CommandedOnce) -> AttendanceAnswer:
    """Check the student in, while check-in is open."""
    command = CheckIn(booking_id, gate.actor, gate.at)
    accepted = await gate.decisions.run(CHECK_IN, command, gate.circumstances(), _checked_in)
    return AttendanceAnswer.model_validate(gate.answer(accepted))


@router.post("/{booking_id}/check-out")
async def check_out(booking_id: BookingId, gate: CommandedOnce) -> AttendanceAnswer:
    """Check the student out; the rest of the time is free."""
    command = CheckOut(booking_id, gate.actor, gate.at)
    accepted = await gate.decisions.run(CHECK_OUT, command, gate.circumstances(), _checked_out)
    return AttendanceAnswer.model_validate(gate.answer(accepted))


def _booked(_: Situation, events: tuple[Event, ...]) -> dict[str, Any]:
    (created,) = events
    assert isinstance(created, BookingCreated)
    return {
        "id": created.booking_id,
        "libraryId": created.library_id,
        "seatId": created.seat_id,
        "userId": created.user_id,
        "start": created.start,
        "end": created.end,
        "status": created.status,
        "amountMinor": created.amount_minor,
        "currency": created.currency,
        "planId": created.plan_id,
        "checkInFrom": created.check_in_from,
        "checkInUntil": created.check_in_until,
        "freeCancelUntil": created.free_cancel_until,
    }


def _cancelled(_: Standing, events: tuple[Event, ...]) -> dict[str, Any]:
    (cancelled,) = events
    assert isinstance(cancelled, BookingCancelled)
    return {"id": cancelled.booking_id, "status": cancelled.status, "late": cancelled.late}


def _checked_in(standing: Standing, _: tuple[Event, ...]) -> dict[str, Any]:
    return _attendance(standing, "checked-in")


def _checked_out(standing: Standing, _: tuple[Event, ...]) -> dict[str, Any]:
    return _attendance(standing, "completed")


def _attendance(standing: Standing, status: str) -> dict[str, Any]:
    assert standing.booking is not None
    return {"id": standing.booking.facts.booking_id, "status": status}
