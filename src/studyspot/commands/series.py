"""Book the same hours of many days at once, and look at what that would come to."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter

from studyspot.commands.gate import Asked, CommandedOnce, Gate
from studyspot.decisions.identifiers import new_occupation
from studyspot.domain.agenda import Agenda
from studyspot.domain.events import BookingCreated, Event
from studyspot.domain.occupying import student_of
from studyspot.domain.series import BOOK_SERIES, MOST_DATES, BookSeries, Names, outcome_of
from studyspot.wire.problems import told
from studyspot.wire.series_bodies import SeriesAnswer, SeriesBody

router = APIRouter(prefix="/api/bookings/series", tags=["bookings"])


@router.post("", status_code=201)
async def book_series(body: SeriesBody, gate: CommandedOnce) -> SeriesAnswer:
    """Book a shift, or hours that recur, for many days: all of them, or all that can be had."""
    command = _command(body, gate)

    def answer(agenda: Agenda, _: tuple[Event, ...]) -> dict[str, Any]:
        return _described(command, agenda) | {"seriesId": command.series_id, "status": "confirmed"}

    accepted = await gate.decisions.run(BOOK_SERIES, command, gate.circumstances(), answer)
    return SeriesAnswer.model_validate(gate.answer(accepted))


@router.post("/preview")
async def preview_series(body: SeriesBody, question: Asked) -> SeriesAnswer:
    """Tell what a series would come to, day by day, and which days cannot be had; nothing is booked."""
    command = replace(_command(body, question), skip_conflicts=True)
    seen = await question.decisions.look(BOOK_SERIES, command)
    described = _described(command, seen.state) | {"seriesId": None, "status": "possible"}
    described["bookings"] = [booking | {"id": None} for booking in described["bookings"]]
    return SeriesAnswer.model_validate(question.told(seen.position, described))


def _command(body: SeriesBody, gate: Gate) -> BookSeries:
    return BookSeries(
        series_id=gate.new_id(),
        library_id=body.library_id,
        seat_id=body.seat_id,
        user_id=student_of(gate.actor, body.user_id),
        pattern=body.pattern(),
        plan_id=body.plan_id,
        skip_conflicts=body.skip_conflicts,
        names=tuple(Names(gate.new_id(), new_occupation()) for _ in range(MOST_DATES)),
        actor=gate.actor,
        at=gate.at,
    )


def _described(command: BookSeries, agenda: Agenda) -> dict[str, Any]:
    outcome = outcome_of(command, agenda)
    created = [event for event in outcome.events if isinstance(event, BookingCreated)]
    return {
        "libraryId": command.library_id,
        "seatId": command.seat_id,
        "userId": created[0].user_id,
        "bookings": [
            {
                "id": booking.booking_id,
                "start": booking.start,
                "end": booking.end,
                "amountMinor": booking.amount_minor,
            }
            for booking in created
        ],
        "skipped": [told(conflict) for conflict in outcome.skipped],
        "amountMinor": sum(booking.amount_minor for booking in created),
        "currency": created[0].currency,
        "planId": created[0].plan_id,
    }
