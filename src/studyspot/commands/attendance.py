"""Be at the seat, and leave it: check in with the desk's code, check out; and the code for the desk."""

from io import BytesIO
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Path, Response

from studyspot.commands.bookings import BookingId
from studyspot.commands.gate import Asked, CommandedOnce, Gate
from studyspot.domain.booking_changes import CHECK_IN, CHECK_OUT, CheckIn, CheckOut
from studyspot.domain.events import Event
from studyspot.domain.refusals import BookingUnknown
from studyspot.domain.seeing import SEE_BOOKING, SEE_OWN_LIBRARY, SeeBooking, SeeOwnLibrary
from studyspot.domain.standing import Standing
from studyspot.wire.booking_bodies import AttendanceAnswer, CheckInBody
from studyspot.wire.quote_bodies import DeskCodeAnswer
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api", tags=["bookings"])

_MODULE_PIXELS = 8


@router.post("/bookings/{booking_id}/check-in")
async def check_in(
    booking_id: BookingId, gate: CommandedOnce, body: CheckInBody | None = None
) -> AttendanceAnswer:
    """Check the student in, while check-in is open: with the desk's code, or by who runs the library."""
    verified = await _verified(booking_id, body.code if body is not None else None, gate)
    command = CheckIn(booking_id, gate.actor, gate.at, verified)
    accepted = await gate.decisions.run(CHECK_IN, command, gate.circumstances(), _checked_in)
    return AttendanceAnswer.model_validate(gate.answer(accepted))


@router.post("/bookings/{booking_id}/check-out")
async def check_out(booking_id: BookingId, gate: CommandedOnce) -> AttendanceAnswer:
    """Check the student out; the rest of the time is free."""
    command = CheckOut(booking_id, gate.actor, gate.at)
    accepted = await gate.decisions.run(CHECK_OUT, command, gate.circumstances(), _checked_out)
    return AttendanceAnswer.model_validate(gate.answer(accepted))


@router.get("/libraries/{library_id}/desk-code", tags=["libraries"])
async def tell_desk_code(
    library_id: Annotated[Identifier, Path()], gate: Asked, response: Response
) -> DeskCodeAnswer:
    """Tell the code that checks students in now, for the library's desk to show."""
    seen = await gate.decisions.look(SEE_OWN_LIBRARY, SeeOwnLibrary(library_id, gate.actor))
    current = gate.desk_codes.current(library_id, gate.at)
    response.headers["Cache-Control"] = "no-store"
    answer = {
        "code": current.code,
        "validUntil": current.valid_until,
        "secondsLeft": max(1, int((current.valid_until - gate.at).total_seconds())),
        "svg": _drawn(current.code),
    }
    return DeskCodeAnswer.model_validate(gate.told(seen.position, answer))


async def _verified(booking_id: str, code: str | None, gate: Gate) -> bool | None:
    """Say whether the code is the desk's; none where none came, or there is no such booking to say it of."""
    if code is None:
        return None
    try:
        seen = await gate.decisions.look(SEE_BOOKING, SeeBooking(booking_id, gate.actor))
    except BookingUnknown:
        return None
    assert seen.state.booking is not None
    return gate.desk_codes.is_right(seen.state.booking.facts.library_id, code, gate.at)


def _drawn(code: str) -> str:
    picture = BytesIO()
    segno.make(code, micro=False).save(picture, kind="svg", scale=_MODULE_PIXELS, xmldecl=False)
    return picture.getvalue().decode()


def _checked_in(standing: Standing, _: tuple[Event, ...]) -> dict[str, Any]:
    return _attendance(standing, "checked-in")


def _checked_out(standing: Standing, _: tuple[Event, ...]) -> dict[str, Any]:
    return _attendance(standing, "completed")


def _attendance(standing: Standing, status: str) -> dict[str, Any]:
    assert standing.booking is not None
    return {"id": standing.booking.facts.booking_id, "status": status}
