"""Add, change and remove seats; take one out of service and back."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from studyspot.commands.conditions import seat_as_read
from studyspot.commands.gate import Commanded, CommandedOnce
from studyspot.commands.times import by_clock_of
from studyspot.domain.events import Event, SeatEvent
from studyspot.domain.seat import Seat, evolve_seat
from studyspot.domain.seats import (
    ADD_SEATS,
    CHANGE_SEAT,
    REMOVE_SEAT,
    AddSeats,
    ChangeSeat,
    NewSeat,
    RemoveSeat,
    SeatPlan,
)
from studyspot.wire.bodies import (
    AddSeatsBody,
    ChangeSeatBody,
    SeatChangedAnswer,
    SeatRemovedAnswer,
    SeatsAnswer,
)
from studyspot.wire.etags import IfMatch
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/libraries/{library_id}/seats", tags=["seats"])

LibraryId = Annotated[Identifier, Path()]
SeatId = Annotated[Identifier, Path()]


@router.post("", status_code=201)
async def add_seats(library_id: LibraryId, body: AddSeatsBody, gate: CommandedOnce) -> SeatsAnswer:
    """Add seats, all or none."""
    seats = tuple(NewSeat(gate.new_id(), seat.label, seat.zone, seat.attributes) for seat in body.seats)

    def answer(_: SeatPlan, __: tuple[Event, ...]) -> dict[str, Any]:
        return {"seats": [_described(seat, in_service=True) for seat in seats]}

    command = AddSeats(library_id, seats, gate.actor)
    accepted = await gate.decisions.run(ADD_SEATS, command, gate.circumstances(), answer)
    return SeatsAnswer.model_validate(gate.answer(accepted))


@router.patch("/{seat_id}")
async def change_seat(
    library_id: LibraryId, seat_id: SeatId, body: ChangeSeatBody, gate: Commanded, if_match: IfMatch = None
) -> SeatChangedAnswer:
    """Call a seat something else, take it out of service, or put it back; what is left out stays."""
    to_instant = await by_clock_of(gate, library_id, (body.revoke_at,))
    command = ChangeSeat(
        library_id=library_id,
        seat_id=seat_id,
        actor=gate.actor,
        at=gate.at,
        label=body.label,
        zone=body.zone,
        attributes=body.attributes,
        in_service=body.in_service,
        revoke_at=to_instant(body.revoke_at) if body.revoke_at is not None else None,
    )

    def answer(plan: SeatPlan, events: tuple[Event, ...]) -> dict[str, Any]:
        seat: Seat | None = plan.seats[seat_id]
        for event in events:
            if isinstance(event, SeatEvent):
                seat = evolve_seat(seat, event)
        assert seat is not None
        return {**_described(seat, in_service=seat.in_service), "revokeAt": seat.revoke_at}

    circumstances = gate.circumstances(unchanged=seat_as_read(seat_id, if_match))
    accepted = await gate.decisions.run(CHANGE_SEAT, command, circumstances, answer)
    return SeatChangedAnswer.model_validate(gate.answer(accepted))


@router.delete("/{seat_id}")
async def remove_seat(library_id: LibraryId, seat_id: SeatId, gate: Commanded) -> SeatRemovedAnswer:
    """Remove a seat that is out of service; its history stays."""

    def answer(_: SeatPlan, __: tuple[Event, ...]) -> dict[str, Any]:
        return {"id": seat_id}

    command = RemoveSeat(library_id, seat_id, gate.actor, gate.at)
    accepted = await gate.decisions.run(REMOVE_SEAT, command, gate.circumstances(), answer)
    return SeatRemovedAnswer.model_validate(gate.answer(accepted))


def _described(seat: NewSeat | Seat, *, in_service: bool) -> dict[str, Any]:
    return {
        "id": seat.seat_id,
        "label": seat.label,
        "zone": seat.zone,
        "attributes": seat.attributes,
        "inService": in_service,
    }
