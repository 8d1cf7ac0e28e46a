"""What a booking costs. Nothing cheaper is guessed: the student picks the plan."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from studyspot.domain.events import Plan, PricingUpdated, ShiftName
from studyspot.domain.library import Library
from studyspot.domain.refusals import NoPlanApplies, PlanNotApplicable, PlanRequired
from studyspot.domain.seat import Seat

_INSTANT = timedelta(microseconds=1)
SHIFTS: dict[ShiftName, tuple[time, time]] = {
    "morning": (time(6), time(12)),
    "afternoon": (time(12), time(18)),
    "evening": (time(18), time(23)),
    "night": (time(23), time(6)),
    "half-day": (time(6), time(14)),
    "full-day": (time(6), time(23)),
}


@dataclass(frozen=True, slots=True)
class Price:
    """What a seat costs for some time, by which plan of which version; no plan where it is free."""

    amount_minor: int
    currency: str
    plan_id: str | None
    price_version: int | None


def price_of(library: Library, seat: Seat, plan_id: str | None, start: datetime, end: datetime) -> Price:
    """Return the price as the library's plans have it now.

    Raises:
        NoPlanApplies, PlanRequired, PlanNotApplicable: as `plan_for`.
    """
    pricing = library.pricing
    plan = plan_for(pricing, plan_id, seat.zone, start, end, library.zone)
    if plan is None or pricing is None:
        return Price(0, library.currency, None, None)
    amount = amount_minor(plan, start, end, library.zone)
    return Price(amount, library.currency, plan.id, pricing.price_version)


def plan_for(
    pricing: PricingUpdated | None,
    plan_id: str | None,
    zone: str,
    start: datetime,
    end: datetime,
    at: ZoneInfo,
) -> Plan | None:
    """Return the plan that prices [start, end) in `zone`; none where the library is free of charge.

    Raises:
        NoPlanApplies: the library has prices, but none for this.
        PlanRequired: several apply, and the student named none.
        PlanNotApplicable: the one named is not among those that apply.
    """
    if pricing is None or not pricing.plans:
        if plan_id is not None:
            raise PlanNotApplicable(())
        return None
    applicable = {plan.id: plan for plan in pricing.plans if _applies(plan, zone, start, end, at)}
    if not applicable:
        raise NoPlanApplies
    if plan_id is None:
        if len(applicable) > 1:
            raise PlanRequired(tuple(applicable))
        return next(iter(applicable.values()))
    if plan_id not in applicable:
        raise PlanNotApplicable(tuple(applicable))
    return applicable[plan_id]


def amount_minor(plan: Plan, start: datetime, end: datetime, at: ZoneInfo) -> int:
    """Return the price of [start, end) in minor units.

    Hours are charged by elapsed time, half a minor unit rounded up; days (of 24 hours) and weeks once begun,
    by elapsed time too; months once begun, by the calendar of the library's time zone `at`.
    """
    elapsed = end - start
    match plan.unit:
        case "hour":
            seconds = elapsed // timedelta(seconds=1)
            return (plan.amount_minor * seconds * 2 + 3600) // 7200
        case "day":
            return plan.amount_minor * _begun(elapsed, timedelta(days=1))
        case "week":
            return plan.amount_minor * _begun(elapsed, timedelta(weeks=1))
        case "month":
            return plan.amount_minor * _months_begun(start.astimezone(at), (end - _INSTANT).astimezone(at))
        case "shift":
            return plan.amount_minor
        case _ as unreachable:
            assert_never(unreachable)


def applicable_plans(library: Library, seat: Seat, start: datetime, end: datetime) -> tuple[Plan, ...]:
    """Return the plans of which the student may pick one."""
    plans = library.pricing.plans if library.pricing else ()
    return tuple(plan for plan in plans if _applies(plan, seat.zone, start, end, library.zone))


def _applies(plan: Plan, zone: str, start: datetime, end: datetime, at: ZoneInfo) -> bool:
    if plan.zone is not None and plan.zone != zone:
        return False
    if plan.shift is None:
        return True
    begins, ends = SHIFTS[plan.shift]
    first, last = start.astimezone(at), end.astimezone(at)
    days = 1 if ends <= begins else 0
    return (
        first.time() == begins and last.time() == ends and last.date() - first.date() == timedelta(days=days)
    )


def _begun(elapsed: timedelta, unit: timedelta) -> int:
    return -(-elapsed // unit)


def _months_begun(start: datetime, last: datetime) -> int:
    """Count the months begun from `start` to the `last` instant, both on the library's clock.

    One begun on a day that a later month lacks lasts until that month's end.
    """
    months = (last.year - start.year) * 12 + last.month - start.month
    another = (last.day, last.time()) >= (start.day, start.time())
    # In the hour that winter time repeats, the last instant may read earlier than the start.
    return max(1, months + (1 if another else 0))
