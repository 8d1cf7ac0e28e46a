"""When a library is open, and the closures that it announces and withdraws."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import (
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    LibraryEvent,
    LibraryHoursSet,
    StaffEvent,
)
from studyspot.domain.library import RETIREMENT, Library, evolve_library, owned, settings_of
from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.people import Actor
from studyspot.domain.refusals import ClosureBackwards, ClosureUnknown


@dataclass(frozen=True, slots=True)
class WantedClosure:
    """A closure during [start, end), or for good; `known` says that it is one announced before.

    Bookings that it hits are moved until `revoke_at`, and revoked then; by default as announced before, or
    at once.
    """

    closure_id: str
    known: bool
    start: datetime
    end: datetime | None
    revoke_at: datetime | None


@dataclass(frozen=True, slots=True)
class SetOpening:
    """Set the weekly hours, or leave them; and the closures to come, all of them, or leave those."""

    library_id: str
    set_hours: bool
    hours: tuple[OpenHours, ...] | None
    closures: tuple[WantedClosure, ...] | None
    actor: Actor
    at: datetime


def closures_to_come(library: Library, at: datetime) -> tuple[ClosureAnnounced, ...]:
    """Return the closures that are not over, but for that of a retirement under way."""
    return tuple(
        closure
        for closure in library.closures.values()
        if closure.closure_id != RETIREMENT and (closure.end is None or closure.end > at)
    )


def _decide(command: SetOpening, library: Library | None) -> tuple[Event, ...]:
    library = owned(library, command.actor)
    events: list[Event] = []
    if command.set_hours and command.hours != library.hours:
        events.append(LibraryHoursSet(library_id=library.library_id, hours=command.hours))
    if command.closures is not None:
        events.extend(_announced(command, library, command.closures))
        events.extend(_withdrawn(command, library, command.closures))
    return tuple(events)


def _announced(
    command: SetOpening, library: Library, wanted: tuple[WantedClosure, ...]
) -> Iterator[ClosureAnnounced]:
    for closure in wanted:
        before = library.closures.get(closure.closure_id)
        if closure.known and (before is None or closure.closure_id == RETIREMENT):
            raise ClosureUnknown
        if before is not None and _is_the_same(closure, before):
            continue
        if closure.end is not None and (closure.end <= closure.start or closure.end <= command.at):
            raise ClosureBackwards
        yield ClosureAnnounced(
            library_id=library.library_id,
            closure_id=closure.closure_id,
            start=closure.start,
            end=closure.end,
            revoke_at=closure.revoke_at or (before and before.revoke_at) or command.at,
        )


def _is_the_same(closure: WantedClosure, before: ClosureAnnounced) -> bool:
    same_time = (before.start, before.end) == (closure.start, closure.end)
    return same_time and closure.revoke_at in (None, before.revoke_at)


def _withdrawn(
    command: SetOpening, library: Library, wanted: tuple[WantedClosure, ...]
) -> Iterator[ClosureWithdrawn]:
    kept = {closure.closure_id for closure in wanted}
    for closure in closures_to_come(library, command.at):
        if closure.closure_id not in kept:
            yield ClosureWithdrawn(library_id=library.library_id, closure_id=closure.closure_id)


def _unknown() -> Library | None:
    return None


def _evolve(library: Library | None, event: Event) -> Library | None:
    return evolve_library(library, event) if isinstance(event, LibraryEvent | StaffEvent) else library


def _boundary(command: SetOpening, library: Library | None) -> Boundary:
    return settings_of(command.library_id)


SET_OPENING = Decider(_unknown, _evolve, _boundary, _decide)
