"""Hold a seat while deciding, and let it go."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from studyspot.commands.gate import Commanded, CommandedOnce
from studyspot.commands.times import interval_of
from studyspot.decisions.identifiers import new_occupation
from studyspot.domain.agenda import Agenda
from studyspot.domain.events import Event, HoldFacts, HoldPlaced, HoldReleased
from studyspot.domain.holds import (
    PLACE_HOLD,
    RELEASE_HOLD,
    HoldStanding,
    PlaceHold,
    ReleaseHold,
    held_already,
)
from studyspot.domain.refusals import SeatOutOfService, SeatTaken
from studyspot.wire.booking_bodies import HoldAnswer, HoldReleasedAnswer, HoldSeatBody
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/holds", tags=["holds"])


@router.post("", status_code=201)
async def hold_seat(body: HoldSeatBody, gate: CommandedOnce) -> HoldAnswer:
    """Hold a seat for [start, end); who holds exactly that already is answered with that hold, and a 200."""
    start, end = await interval_of(gate, body.library_id, body.start, body.end)
    command = PlaceHold(
        hold_id=gate.new_id(),
        occupation=new_occupation(),
        library_id=body.library_id,
        seat_id=body.seat_id,
        start=start,
        end=end,
        actor=gate.actor,
        at=gate.at,
        user_id=body.user_id,
    )

    def answer(agenda: Agenda, events: tuple[Event, ...]) -> dict[str, Any]:
        placed = next((event for event in events if isinstance(event, HoldPlaced)), None)
        held: HoldFacts | None = placed or held_already(agenda, command)
        assert held is not None
        return _held(held)

    try:
        accepted = await gate.decisions.run(PLACE_HOLD, command, gate.circumstances(), answer)
    except (SeatTaken, SeatOutOfService) as refusal:
        raise await gate.alternatives.beside(refusal, body.library_id, body.seat_id, start, end) from None
    if not accepted.repeated and accepted.answer["id"] != command.hold_id:
        gate.has_changed_nothing()
    return HoldAnswer.model_validate(gate.answer(accepted))


@router.delete("/{hold_id}")
async def release_hold(hold_id: Annotated[Identifier, Path()], gate: Commanded) -> HoldReleasedAnswer:
    """Let a hold go: the seat is free again."""
    command = ReleaseHold(hold_id, gate.actor, gate.at)
    accepted = await gate.decisions.run(RELEASE_HOLD, command, gate.circumstances(), _released)
    return HoldReleasedAnswer.model_validate(gate.answer(accepted))


def _held(held: HoldFacts) -> dict[str, Any]:
    return {
        "id": held.hold_id,
        "libraryId": held.library_id,
        "seatId": held.seat_id,
        "userId": held.user_id,
        "start": held.start,
        "end": held.end,
        "until": held.until,
        "status": "held",
    }


def _released(_: HoldStanding, events: tuple[Event, ...]) -> dict[str, Any]:
    released = next(event for event in events if isinstance(event, HoldReleased))
    return {"id": released.hold_id, "status": released.status}
