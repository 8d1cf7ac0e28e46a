"""Hold a seat while deciding, let it go, and what the clock or a closure makes of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from studyspot.domain.agenda import Agenda, evolve_agenda
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import (
    BookingCreated,
    Event,
    HoldEvent,
    HoldFacts,
    HoldPlaced,
    HoldReleased,
)
from studyspot.domain.hold import (
    Booked,
    Held,
    Hold,
    Lapsed,
    Released,
    events_of_hold,
    evolve_hold,
    has_lapsed,
)
from studyspot.domain.lapses import lapses_of
from studyspot.domain.library import settings_of
from studyspot.domain.occupying import (
    Wish,
    admit,
    boundary_of,
    entitled,
    interval_refusal,
    require_interval,
    student_of,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    HoldBookedAlready,
    HoldLapsedAlready,
    HoldReleasedAlready,
    HoldUnknown,
)
from studyspot.domain.seat import events_of_seat
from studyspot.domain.waiting import events_of_entry, offer_ended


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """Keep a seat for [start, end) in UTC while its student decides; `occupation` is a random id."""

    hold_id: str
    occupation: str
    library_id: str
    seat_id: str
    start: datetime
    end: datetime
    actor: Actor
    at: datetime
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """Let a hold go before its time: its student, or the library that may hold for them."""

    hold_id: str
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class LapseHold:
    """Note that a hold is over by the clock; nothing, where it is not or has been noted."""

    hold_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReleaseAffectedHold:
    """Release a hold for a time at which its library is closed or its seat out of service."""

    hold_id: str
    at: datetime


@dataclass(slots=True)
class HoldStanding:
    """A hold; and its library and seat where the decision depends on them."""

    hold: Hold | None = None
    agenda: Agenda = field(default_factory=Agenda)


def held_already(agenda: Agenda, command: PlaceHold) -> HoldFacts | None:
    """Return the hold by which the student holds exactly this already."""
    facts = own_hold(agenda, _student(command), command.seat_id, command.start, command.end, command.at)
    return facts if facts is not None and facts.library_id == command.library_id else None


def own_hold(
    agenda: Agenda, user_id: str, seat_id: str, start: datetime, end: datetime, at: datetime
) -> HoldFacts | None:
    """Return the student's unexpired hold of this seat for [start, end)."""
    for hold in agenda.holds.values():
        facts = hold.facts
        same = (facts.user_id, facts.seat_id, facts.start, facts.end) == (user_id, seat_id, start, end)
        if same and isinstance(hold, Held) and not has_lapsed(hold, at):
            return facts
    return None


def _boundary_of_placing(command: PlaceHold, agenda: Agenda) -> Boundary:
    wish = _wish(command)
    if interval_refusal(command.start, command.end, command.at) is not None:
        return ()
    return boundary_of(wish, agenda)


def _decide_placing(command: PlaceHold, agenda: Agenda) -> tuple[Event, ...]:
    wish = _wish(command)
    before = held_already(agenda, command)
    require_interval(command.start, command.end, command.at, held=before is not None)
    entitled(wish, agenda)
    if before is not None:
        return ()
    admission = admit(wish, agenda)
    placed = HoldPlaced(
        hold_id=command.hold_id,
        occupation=command.occupation,
        library_id=command.library_id,
        seat_id=command.seat_id,
        user_id=wish.user_id,
        start=command.start,
        end=command.end,
        occupied_until=admission.occupied_until,
        until=command.at + timedelta(minutes=admission.library.rules.hold_minutes),
    )
    return (*admission.lapses, placed)


def _boundary_of_one(command: LapseHold, standing: HoldStanding) -> Boundary:
    return _own(command.hold_id, standing)


def _boundary_of_releasing(command: ReleaseHold, standing: HoldStanding) -> Boundary:
    own = _own(command.hold_id, standing)
    if standing.hold is None or command.actor.role == "student":
        return own
    return (*own, *settings_of(standing.hold.facts.library_id))


def _decide_releasing(command: ReleaseHold, standing: HoldStanding) -> tuple[Event, ...]:
    hold, library, actor = standing.hold, standing.agenda.library, command.actor
    if hold is None:
        raise HoldUnknown
    # It is theirs whatever role they have now.
    own = hold.facts.user_id == actor.user_id
    if not own and (library is None or not library.managed_by(actor)):
        raise HoldUnknown
    facts = require_held(hold, command.at)
    return (HoldReleased(**facts.facts()), *offer_ended(standing.agenda.entries, facts))


def _decide_lapsing(command: LapseHold, standing: HoldStanding) -> tuple[Event, ...]:
    hold = standing.hold
    if isinstance(hold, Held) and has_lapsed(hold, command.at):
        return lapses_of(hold, standing.agenda, command.at)
    return ()


def _boundary_of_affected(command: ReleaseAffectedHold, standing: HoldStanding) -> Boundary:
    own = _own(command.hold_id, standing)
    if standing.hold is None:
        return own
    facts = standing.hold.facts
    return (*own, *settings_of(facts.library_id), *events_of_seat(facts.seat_id))


def _decide_affected(command: ReleaseAffectedHold, standing: HoldStanding) -> tuple[Event, ...]:
    hold, library, seat = standing.hold, standing.agenda.library, standing.agenda.seat
    if not isinstance(hold, Held):
        return ()
    if has_lapsed(hold, command.at):
        return lapses_of(hold, standing.agenda, command.at)
    facts = hold.facts
    closures = library.closures_during(facts.start, facts.end) if library else ()
    closed = any(closure.revoke_at is not None for closure in closures)
    unusable = seat is not None and (seat.removed or not seat.in_service)
    if not closed and not unusable:
        return ()
    # It is not the student who could not keep it: they wait on, where they stood.
    return (HoldReleased(**facts.facts()), *offer_ended(standing.agenda.entries, facts, waits_on=True))


def _own(hold_id: str, standing: HoldStanding) -> Boundary:
    """Return what tells of a hold, and of the place in line to which it is an offer."""
    entry_id = standing.hold.facts.entry_id if standing.hold is not None else None
    return (*events_of_hold(hold_id), *events_of_entry(entry_id))


def require_held(hold: Hold, at: datetime) -> HoldFacts:
    """Return the facts of a hold that stands.

    Raises:
        HoldLapsedAlready, HoldReleasedAlready, HoldBookedAlready: what became of it instead.
    """
    match hold:
        case Held(facts=facts):
            if has_lapsed(hold, at):
                raise HoldLapsedAlready
            return facts
        case Lapsed():
            raise HoldLapsedAlready
        case Released():
            raise HoldReleasedAlready
        case Booked(booking_id=booking_id):
            raise HoldBookedAlready(booking_id)
        case _ as unreachable:
            assert_never(unreachable)


def _evolve(standing: HoldStanding, event: Event) -> HoldStanding:
    if isinstance(event, HoldEvent | BookingCreated):
        standing.hold = evolve_hold(standing.hold, event)
    else:
        standing.agenda = evolve_agenda(standing.agenda, event)
    return standing


def _student(command: PlaceHold) -> str:
    return student_of(command.actor, command.user_id)


def _wish(command: PlaceHold) -> Wish:
    return Wish(
        library_id=command.library_id,
        seat_id=command.seat_id,
        user_id=_student(command),
        start=command.start,
        end=command.end,
        actor=command.actor,
        at=command.at,
    )


PLACE_HOLD = Decider(Agenda, evolve_agenda, _boundary_of_placing, _decide_placing)
RELEASE_HOLD = Decider(HoldStanding, _evolve, _boundary_of_releasing, _decide_releasing)
LAPSE_HOLD = Decider(HoldStanding, _evolve, _boundary_of_one, _decide_lapsing)
RELEASE_AFFECTED_HOLD = Decider(HoldStanding, _evolve, _boundary_of_affected, _decide_affected)
