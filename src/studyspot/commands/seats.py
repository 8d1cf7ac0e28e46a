"""Add seats, take one out of service and back."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from studyspot.commands.gate import Commanded, CommandedOnce
from studyspot.domain.events import Event
from studyspot.domain.seats import (
    ADD_SEATS,
    CHANGE_SEAT_SERVICE,
    AddSeats,
    ChangeSeatService,
    NewSeat,
    SeatPlan,
)
from studyspot.wire.bodies import AddSeatsBody, ChangeSeatBody, SeatsAnswer, SeatServiceAnswer
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/libraries/{library_id}/seats", tags=["seats"])

LibraryId = Annotated[Identifier, Path()]
SeatId = Annotated[Identifier, Path()]


@router.post("", status_code=201)
async def add_seats(library_id: LibraryId, body: AddSeatsBody, gate: CommandedOnce) -> SeatsAnswer:
    """Add seats, all or none."""
    seats = tuple(NewSeat(gate.new_id(), seat.label, seat.zone, seat.attributes) for seat in body.seats)

    def answer(_: SeatPlan, __: tuple[Event, ...]) -> dict[str, Any]:
        return {
            "seats": [
                {
                    "id": seat.seat_id,
                    "label": seat.label,
                    "zone": seat.zone,
                    "attributes": seat.attributes,
                    "inService": True,
                }
                for seat in seats
            ]
        }

    command = AddSeats(library_id, seats, gate.actor)
    accepted = await gate.decisions.run(ADD_SEATS, command, gate.circumstances(), answer)
    return SeatsAnswer.model_validate(gate.answer(accepted))


@router.patch("/{seat_id}")
async def change_seat(
    library_id: LibraryId, seat_id: SeatId, body: ChangeSeatBody, gate: Commanded
) -> SeatServiceAnswer:
    """Take a seat out of service, or put it back."""

    def answer(_: SeatPlan, __: tuple[Event, ...]) -> dict[str, Any]:
        return {"id": seat_id, "inService": body.in_service}

    command = ChangeSeatService(library_id, seat_id, body.in_service, gate.actor)
    accepted = await gate.decisions.run(CHANGE_SEAT_SERVICE, command, gate.circumstances(), answer)
    return SeatServiceAnswer.model_validate(gate.answer(accepted))
