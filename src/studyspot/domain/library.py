"""A library: what it is, who owns it and works for it, what it charges, when it is closed."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from studyspot.domain.decider import Criterion
from studyspot.domain.events import (
    ClosureAnnounced,
    ClosureWithdrawn,
    LibraryCreated,
    LibraryDeleted,
    LibraryDetails,
    LibraryEvent,
    LibraryHoursSet,
    LibraryRulesSet,
    LibraryUpdated,
    PricingUpdated,
    StaffAdded,
    StaffEvent,
    StaffInvited,
    StaffRemoved,
)
from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.people import Actor
from studyspot.domain.refusals import LibraryRetired, LibraryUnknown, NotLibraryOwner, NotYourLibrary
from studyspot.domain.rules import DEFAULT_RULES, BookingRules
from studyspot.domain.tags import library as library_tag

SETTINGS = (
    *(LibraryCreated, LibraryUpdated, LibraryDeleted),
    *(LibraryHoursSet, LibraryRulesSet, PricingUpdated),
)
"""Events that carry a whole setting: only the newest of each counts."""
RETIREMENT = "retirement"
"""The closure without an end that precedes a library's retirement."""


@dataclass(frozen=True, slots=True)
class Library:
    library_id: str
    owner_id: str
    currency: str
    details: LibraryDetails
    retired: bool = False
    pricing: PricingUpdated | None = None
    hours: tuple[OpenHours, ...] | None = None
    rules: BookingRules = DEFAULT_RULES
    closures: dict[str, ClosureAnnounced] = field(default_factory=dict)
    staff: set[str] = field(default_factory=set)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.details.time_zone)

    def owned_by(self, actor: Actor) -> bool:
        return actor.role == "library_owner" and actor.user_id == self.owner_id

    def managed_by(self, actor: Actor) -> bool:
        """Say whether the actor runs the library day by day: its owner does, and who works for it."""
        return self.owned_by(actor) or (actor.role == "staff" and actor.user_id in self.staff)

    def closures_during(self, start: datetime, end: datetime) -> tuple[ClosureAnnounced, ...]:
        """Return the closures that overlap [start, end)."""
        return tuple(
            closure
            for closure in self.closures.values()
            if closure.start < end and (closure.end is None or start < closure.end)
        )


def evolve_library(library: Library | None, event: LibraryEvent | StaffEvent) -> Library | None:
    """Fold one event; settings may come without those that they replaced.

    Closures and staff change in the library that is given: there may be many, and copying them for each
    adds up.
    """
    if isinstance(event, LibraryCreated):
        return Library(event.library_id, event.owner_id, event.currency, event)
    if library is None:
        return None
    match event:
        case LibraryUpdated():
            return replace(library, details=event)
        case LibraryDeleted():
            return replace(library, retired=True)
        case PricingUpdated():
            return replace(library, pricing=event)
        case LibraryHoursSet():
            return replace(library, hours=event.hours)
        case LibraryRulesSet():
            return replace(library, rules=event.rules)
        case ClosureAnnounced():
            library.closures[event.closure_id] = event
            return library
        case ClosureWithdrawn():
            library.closures.pop(event.closure_id, None)
            return library
        case StaffAdded():
            library.staff.add(event.user_id)
            return library
        case StaffRemoved():
            library.staff.discard(event.user_id)
            return library
        case StaffInvited():
            return library
        case _ as unreachable:
            assert_never(unreachable)


def settings_of(library_id: str) -> tuple[Criterion, ...]:
    """Return what a decision about this library reads: its newest settings, all closures, all staff."""
    tag = library_tag(library_id)
    return (
        Criterion(SETTINGS, tag, newest=True),
        Criterion((ClosureAnnounced, ClosureWithdrawn, StaffAdded, StaffRemoved), tag),
    )


def open_for_changes(library: Library | None) -> Library:
    """Return the library.

    Raises:
        LibraryUnknown: it never existed.
        LibraryRetired: it exists no more.
    """
    if library is None:
        raise LibraryUnknown
    if library.retired:
        raise LibraryRetired
    return library


def managed(library: Library | None, actor: Actor) -> Library:
    """Return the library for one who runs it day by day: its owner, or who works for it.

    Raises:
        LibraryUnknown, LibraryRetired: as `open_for_changes`.
        NotYourLibrary: the actor does neither.
    """
    library = open_for_changes(library)
    if not library.managed_by(actor):
        raise NotYourLibrary
    return library


def owned(library: Library | None, actor: Actor) -> Library:
    """Return the library for its owner, who alone decides what it is and who works for it.

    Raises:
        LibraryUnknown, LibraryRetired: as `open_for_changes`.
        NotYourLibrary: as `managed`.
        NotLibraryOwner: the actor works there, and does not own it.
    """
    library = managed(library, actor)
    if not library.owned_by(actor):
        raise NotLibraryOwner
    return library
