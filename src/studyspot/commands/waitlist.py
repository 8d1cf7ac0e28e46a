"""Wait for a seat where none is free, and wait no more."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path

from studyspot.commands.alternatives import FreeSeat
from studyspot.commands.gate import Commanded, CommandedOnce, Gate
from studyspot.commands.times import interval_of
from studyspot.decisions.identifiers import new_occupation
from studyspot.domain.agenda import Agenda
from studyspot.domain.events import Event, WaitlistJoined, WaitlistLeft
from studyspot.domain.holds import PLACE_HOLD, PlaceHold
from studyspot.domain.refusals import SeatAwaited, SeatOutOfService, SeatTaken, SeatUnknown
from studyspot.domain.seeing import SEE_SUCH_SEATS, SeeSuchSeats
from studyspot.domain.waiting import Entry, Waiting, place_in_line, would_do
from studyspot.domain.waitlist import (
    JOIN_WAITLIST,
    LEAVE_WAITLIST,
    JoinWaitlist,
    LeaveWaitlist,
    joined_already,
)
from studyspot.wire.positions import POSITION
from studyspot.wire.problems import SEATS_FREE, Problem
from studyspot.wire.shape import Identifier
from studyspot.wire.waitlist_bodies import JoinWaitlistBody, WaitingAnswer, WaitlistLeftAnswer

router = APIRouter(prefix="/api/waitlist", tags=["waitlist"])

_LOOKED_AT = 8
_OFFERED = 3

# The seat, and not the student, is why it cannot be had.
_NOT_THIS_ONE = (SeatTaken, SeatAwaited, SeatOutOfService, SeatUnknown)


@router.post("", status_code=201)
async def join_waitlist(body: JoinWaitlistBody, gate: CommandedOnce) -> WaitingAnswer:
    """Wait for a seat during [start, end); who waits for exactly that already is told so, with a 200.

    Where such a seat is free and nobody waits for it, there is nothing to wait for: 409, with those seats.
    """
    before = await gate.answered()
    if before is not None:
        return WaitingAnswer.model_validate(gate.answer(before))
    start, end = await interval_of(gate, body.library_id, body.start, body.end)
    command = JoinWaitlist(
        entry_id=gate.new_id(),
        library_id=body.library_id,
        start=start,
        end=end,
        zone=body.zone,
        attributes=body.attributes,
        revoked_booking_id=body.revoked_booking_id,
        actor=gate.actor,
        at=gate.at,
        user_id=body.user_id,
    )
    seen = await gate.decisions.look(JOIN_WAITLIST, command)
    if joined_already(seen.state, command) is None:
        # Nobody waits in vain; nor writes what they like into the log, where it would stay.
        await gate.decisions.look(SEE_SUCH_SEATS, SeeSuchSeats(body.library_id, body.zone, body.attributes))
        await _require_none_free(gate, command, seen.state)

    def answer(agenda: Agenda, events: tuple[Event, ...]) -> dict[str, Any]:
        return _described(command, agenda, events)

    async with gate.turns.at(command.library_id):
        accepted = await gate.decisions.run(JOIN_WAITLIST, command, gate.circumstances(), answer)
    if not accepted.repeated and accepted.answer["id"] != command.entry_id:
        gate.has_changed_nothing()
    return WaitingAnswer.model_validate(gate.answer(accepted))


@router.delete("/{entry_id}")
async def leave_waitlist(entry_id: Annotated[Identifier, Path()], gate: Commanded) -> WaitlistLeftAnswer:
    """Wait no more; a seat that is offered is let go."""
    command = LeaveWaitlist(entry_id, gate.actor, gate.at)
    accepted = await gate.decisions.run(LEAVE_WAITLIST, command, gate.circumstances(), _left)
    return WaitlistLeftAnswer.model_validate(gate.answer(accepted))


async def _require_none_free(gate: Gate, command: JoinWaitlist, agenda: Agenda) -> None:
    """Let nobody wait for what they can have.

    Raises:
        Problem: 409, with seats that they can have now.
        Refusal: such a seat is free, and they may not take it.
    """
    free: list[tuple[FreeSeat, int]] = []
    async for found in _to_be_had(gate, command, agenda):
        free.append(found)
        if len(free) == _OFFERED:
            break
    if free:
        seats = [{"id": seat.seat_id, "label": seat.label, "zone": seat.zone} for seat, _ in free]
        raise Problem(
            SEATS_FREE,
            "Such seats are free then, and nobody waits for them. Hold or book one of these.",
            extras={"alternatives": {"seats": seats}},
            headers={POSITION: str(free[-1][1])},
        )


async def _to_be_had(
    gate: Gate, command: JoinWaitlist, agenda: Agenda
) -> AsyncIterator[tuple[FreeSeat, int]]:
    """Yield free seats such as are wanted, each with the position of the log at which it is so.

    The student may hold them now: the line has its say in that.
    """
    assert agenda.library is not None
    occupied_until = command.end + timedelta(minutes=agenda.library.rules.buffer_minutes)
    seats = await gate.finder.free(
        command.library_id, command.start, occupied_until, zone=command.zone, limit=_LOOKED_AT
    )
    for seat in seats:
        hold = PlaceHold(
            hold_id=gate.new_id(),
            occupation=new_occupation(),
            library_id=command.library_id,
            seat_id=seat.seat_id,
            start=command.start,
            end=command.end,
            actor=command.actor,
            at=command.at,
            user_id=command.user_id,
        )
        try:
            seen = await gate.decisions.look(PLACE_HOLD, hold)
        except _NOT_THIS_ONE:
            continue
        if seen.state.seat is not None and would_do(seen.state.seat, command.zone, command.attributes):
            yield seat, seen.position


def _described(command: JoinWaitlist, agenda: Agenda, events: tuple[Event, ...]) -> dict[str, Any]:
    """Return the place that was taken, or was there, and how many come before it."""
    entries: dict[str, Entry] = dict(agenda.entries)
    for event in events:
        if isinstance(event, WaitlistJoined):
            entries[event.entry_id] = Waiting(event)
    entry = joined_already(agenda, command) or entries[command.entry_id]
    joined = entry.joined
    return {
        "id": joined.entry_id,
        "libraryId": joined.library_id,
        "userId": joined.user_id,
        "start": joined.start,
        "end": joined.end,
        "zone": joined.zone,
        "attributes": dict(joined.attributes),
        "status": "waiting" if isinstance(entry, Waiting) else "offered",
        "place": place_in_line(joined.entry_id, entries.values(), command.at),
        "revokedBookingId": joined.revoked_booking_id,
    }


def _left(_: Agenda, events: tuple[Event, ...]) -> dict[str, Any]:
    left = next(event for event in events if isinstance(event, WaitlistLeft))
    return {"id": left.entry_id, "status": left.status}
