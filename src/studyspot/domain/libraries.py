"""What an owner decides about a library: create, update, price, set rules, retire."""

from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import (
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    LibraryCreated,
    LibraryDeleted,
    LibraryDetails,
    LibraryEvent,
    LibraryRulesSet,
    LibraryUpdated,
    Plan,
    PricingUpdated,
    StaffEvent,
)
from studyspot.domain.library import Library, evolve_library, owned, settings_of
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    FutureBookings,
    OwnerRequired,
    PlanIdRepeated,
    PlanWithoutShift,
    RulesContradict,
    TimeZoneUnknown,
)
from studyspot.domain.rules import BookingRules


@dataclass(frozen=True, slots=True)
class CreateLibrary:
    library_id: str
    details: LibraryDetails
    currency: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class UpdateLibrary:
    """`changes` holds the fields of `LibraryDetails` that get a new value."""

    library_id: str
    changes: dict[str, Any]
    actor: Actor


@dataclass(frozen=True, slots=True)
class SetPricing:
    library_id: str
    plans: tuple[Plan, ...]
    actor: Actor


@dataclass(frozen=True, slots=True)
class SetRules:
    """Set the rules of bookings made from now on."""

    library_id: str
    rules: BookingRules
    actor: Actor


@dataclass(frozen=True, slots=True)
class AnnounceClosure:
    """Close the library during [start, end), or for good; from `revoke_at` on, bookings are revoked."""

    library_id: str
    closure_id: str
    start: datetime
    end: datetime | None
    actor: Actor
    revoke_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WithdrawClosure:
    """Withdraw a closure by which nothing is revoked; nothing where it has meanwhile come to revoke."""

    library_id: str
    closure_id: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class DeleteLibrary:
    """Retire the library.

    `live_bookings` is how many bookings the log held once the endless closure `closure_id`, which began at
    `closed_since`, stood. Every booking reads closures, so there are no more, if it has stood ever since.
    """

    library_id: str
    closure_id: str
    closed_since: datetime
    live_bookings: int
    actor: Actor


def _decide_create(command: CreateLibrary, library: Library | None) -> tuple[Event, ...]:
    if command.actor.role != "library_owner":
        raise OwnerRequired
    _require_time_zone(command.details.time_zone)
    return (
        LibraryCreated(
            library_id=command.library_id,
            owner_id=command.actor.user_id,
            currency=command.currency,
            **_details(command.details),
        ),
    )


def _decide_update(command: UpdateLibrary, library: Library | None) -> tuple[Event, ...]:
    library = owned(library, command.actor)
    before = _details(library.details)
    after = before | command.changes
    if after == before:
        return ()
    _require_time_zone(after["time_zone"])
    return (LibraryUpdated(library_id=library.library_id, **after),)


def _decide_pricing(command: SetPricing, library: Library | None) -> tuple[Event, ...]:
    library = owned(library, command.actor)
    if len({plan.id for plan in command.plans}) < len(command.plans):
        raise PlanIdRepeated
    if any((plan.unit == "shift") != (plan.shift is not None) for plan in command.plans):
        raise PlanWithoutShift
    version = library.pricing.price_version + 1 if library.pricing else 1
    return (
        PricingUpdated(
            library_id=library.library_id,
            price_version=version,
            currency=library.currency,
            plans=command.plans,
        ),
    )


def _decide_rules(command: SetRules, library: Library | None) -> tuple[Event, ...]:
    library = owned(library, command.actor)
    rules = command.rules
    longest = rules.longest_minutes
    if rules.check_in_closes_minutes <= rules.check_in_opens_minutes:
        raise RulesContradict
    if longest is not None and longest < rules.shortest_minutes:
        raise RulesContradict
    return () if rules == library.rules else (LibraryRulesSet(library_id=library.library_id, rules=rules),)


def _decide_announce(command: AnnounceClosure, library: Library | None) -> tuple[Event, ...]:
    library = owned(library, command.actor)
    before = library.closures.get(command.closure_id)
    if before is not None and (before.revoke_at is not None or command.revoke_at is None):
        return ()
    return (
        ClosureAnnounced(
            library_id=library.library_id,
            closure_id=command.closure_id,
            start=before.start if before is not None else command.start,
            end=command.end,
            revoke_at=command.revoke_at,
        ),
    )


def _decide_withdraw(command: WithdrawClosure, library: Library | None) -> tuple[Event, ...]:
    library = owned(library, command.actor)
    closure = library.closures.get(command.closure_id)
    if closure is None or closure.revoke_at is not None:
        return ()
    return (ClosureWithdrawn(library_id=library.library_id, closure_id=command.closure_id),)


def _decide_delete(command: DeleteLibrary, library: Library | None) -> tuple[Event, ...]:
    library = owned(library, command.actor)
    closure = library.closures.get(command.closure_id)
    if command.live_bookings or closure is None or closure.start != command.closed_since:
        raise FutureBookings(command.live_bookings)
    return (LibraryDeleted(library_id=library.library_id),)


def _unknown() -> Library | None:
    return None


def _evolve(library: Library | None, event: Event) -> Library | None:
    return evolve_library(library, event) if isinstance(event, LibraryEvent | StaffEvent) else library


def _settings(
    command: UpdateLibrary | SetPricing | SetRules | AnnounceClosure | WithdrawClosure | DeleteLibrary,
    library: Library | None,
) -> Boundary:
    return settings_of(command.library_id)


def _nothing(command: CreateLibrary, library: Library | None) -> Boundary:
    return ()


def _details(details: LibraryDetails) -> dict[str, Any]:
    return {known.name: getattr(details, known.name) for known in fields(LibraryDetails)}


def _require_time_zone(name: str) -> None:
    if name not in _time_zones():
        raise TimeZoneUnknown


@cache
def _time_zones() -> frozenset[str]:
    """The zones that mean the same on every machine."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


CREATE_LIBRARY = Decider(_unknown, _evolve, _nothing, _decide_create)
UPDATE_LIBRARY = Decider(_unknown, _evolve, _settings, _decide_update)
SET_PRICING = Decider(_unknown, _evolve, _settings, _decide_pricing)
SET_RULES = Decider(_unknown, _evolve, _settings, _decide_rules)
ANNOUNCE_CLOSURE = Decider(_unknown, _evolve, _settings, _decide_announce)
WITHDRAW_CLOSURE = Decider(_unknown, _evolve, _settings, _decide_withdraw)
DELETE_LIBRARY = Decider(_unknown, _evolve, _settings, _decide_delete)
