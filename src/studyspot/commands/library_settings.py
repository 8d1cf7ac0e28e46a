"""When a library is open, and by which rules it is booked."""

from dataclasses import fields, replace
from typing import Any

from fastapi import APIRouter

from studyspot.commands.conditions import library_as_read
from studyspot.commands.gate import Commanded, Gate
from studyspot.commands.libraries import LibraryId
from studyspot.commands.times import by_clock
from studyspot.domain.events import ClosureAnnounced, Event, LibraryEvent
from studyspot.domain.libraries import SET_RULES, SetRules
from studyspot.domain.library import Library, evolve_library
from studyspot.domain.opening import SET_OPENING, SetOpening, WantedClosure, closures_to_come
from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.rules import DEFAULT_RULES, PRESETS, BookingRules
from studyspot.domain.seeing import SEE_OWN_LIBRARY, SeeOwnLibrary
from studyspot.wire.etags import IfMatch
from studyspot.wire.settings_bodies import ClosureBody, HoursAnswer, HoursBody, RulesAnswer, RulesBody

router = APIRouter(prefix="/api/libraries", tags=["libraries"])


@router.put("/{library_id}/hours")
async def set_hours(
    library_id: LibraryId, body: HoursBody, gate: Commanded, if_match: IfMatch = None
) -> HoursAnswer:
    """Set the weekly hours, or all closures that are to come, or both.

    A closure that is left out is withdrawn. Nothing is booked in an announced one from now on.
    """
    given = body.model_fields_set
    closures = await _closures(library_id, body.closures, gate) if body.closures else ()
    command = SetOpening(
        library_id=library_id,
        set_hours="hours" in given,
        hours=_hours_of(body),
        closures=closures if "closures" in given else None,
        actor=gate.actor,
        at=gate.at,
    )

    def answer(library: Library | None, events: tuple[Event, ...]) -> dict[str, Any]:
        for event in events:
            if isinstance(event, LibraryEvent):
                library = evolve_library(library, event)
        assert library is not None
        standing = sorted(closures_to_come(library, gate.at), key=lambda closure: closure.start)
        return {"hours": library.hours, "closures": [_closure(closure) for closure in standing]}

    circumstances = gate.circumstances(unchanged=library_as_read(library_id, if_match))
    accepted = await gate.decisions.run(SET_OPENING, command, circumstances, answer)
    return HoursAnswer.model_validate(gate.answer(accepted))


@router.put("/{library_id}/rules")
async def set_rules(
    library_id: LibraryId, body: RulesBody, gate: Commanded, if_match: IfMatch = None
) -> RulesAnswer:
    """Set all rules of bookings made from now on: a preset's, or the defaults, but for what is named."""
    base = PRESETS[body.preset] if body.preset is not None else DEFAULT_RULES
    named = {name: getattr(body, name) for name in body.model_fields_set - {"preset"}}
    rules = replace(base, **named)

    def answer(_: Library | None, __: tuple[Event, ...]) -> dict[str, Any]:
        return {known.name: getattr(rules, known.name) for known in fields(BookingRules)}

    command = SetRules(library_id, rules, gate.actor)
    circumstances = gate.circumstances(unchanged=library_as_read(library_id, if_match))
    accepted = await gate.decisions.run(SET_RULES, command, circumstances, answer)
    return RulesAnswer.model_validate(gate.answer(accepted))


def _hours_of(body: HoursBody) -> tuple[OpenHours, ...] | None:
    if body.hours is None:
        return None
    return tuple(OpenHours(day=hours.day, opens=hours.opens, closes=hours.closes) for hours in body.hours)


async def _closures(
    library_id: str, bodies: tuple[ClosureBody, ...], gate: Gate
) -> tuple[WantedClosure, ...]:
    """Return the closures by the library's clock; one that stands is known by its id, or by its time.

    Without the latter, a request that is sent again would announce the same closure again.
    """
    seen = await gate.decisions.look(SEE_OWN_LIBRARY, SeeOwnLibrary(library_id, gate.actor))
    library = seen.state.library
    assert library is not None
    to_instant = by_clock(library.zone)
    named = {body.id for body in bodies}
    standing = {
        (closure.start, closure.end): closure.closure_id
        for closure in closures_to_come(library, gate.at)
        if closure.closure_id not in named
    }
    wanted = []
    for body in bodies:
        start, end = to_instant(body.start), to_instant(body.end) if body.end is not None else None
        revoke_at = to_instant(body.revoke_at) if body.revoke_at is not None else None
        closure_id = body.id or standing.pop((start, end), None) or gate.new_id()
        wanted.append(WantedClosure(closure_id, body.id is not None, start, end, revoke_at))
    return tuple(wanted)


def _closure(closure: ClosureAnnounced) -> dict[str, Any]:
    return {
        "id": closure.closure_id,
        "start": closure.start,
        "end": closure.end,
        "revokeAt": closure.revoke_at,
    }
