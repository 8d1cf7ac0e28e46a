"""Quotas: how much of a library one student may take, by local day, by ISO week, and at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from studyspot.domain.agenda import Agenda
from studyspot.domain.booking import Booking, Cancelled, CheckedIn, Confirmed, Revoked, is_missed
from studyspot.domain.events import BookingFacts, HoldFacts
from studyspot.domain.hold import Held, has_lapsed
from studyspot.domain.local_time import local_day, local_week
from studyspot.domain.refusals import QuotaExhausted
from studyspot.domain.rules import HORIZON, BookingRules

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit and what is used of it: of bookings, or of minutes."""

    name: str
    limit: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Taker:
    """Whose quota, where and when; `instead_of` is the hold or booking that a new one replaces."""

    library_id: str
    user_id: str
    at: datetime
    instead_of: str | None = None


def quota_intervals(
    rules: BookingRules, start: datetime, at: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """Yield when the student's other bookings count towards the quotas that there are."""
    if rules.day_bookings is not None or rules.day_minutes is not None:
        yield local_day(start, zone)
    if rules.week_bookings is not None or rules.week_minutes is not None:
        yield local_week(start, zone)
    if rules.live_bookings is not None:
        yield at, at + HORIZON


def quotas(agenda: Agenda, taker: Taker, rules: BookingRules, start: datetime, zone: ZoneInfo) -> list[Quota]:
    """Return every quota of the day and week of `start`, with what the student has used of it."""
    day = [facts for facts in _counted(agenda, taker) if _within(facts, local_day(start, zone))]
    week = [facts for facts in _counted(agenda, taker) if _within(facts, local_week(start, zone))]
    return [
        Quota("day-bookings", rules.day_bookings, len(day)),
        Quota("day-minutes", rules.day_minutes, _minutes(day)),
        Quota("week-bookings", rules.week_bookings, len(week)),
        Quota("week-minutes", rules.week_minutes, _minutes(week)),
        Quota("live-bookings", rules.live_bookings, sum(1 for _ in _live(agenda, taker))),
    ]


def require_quota(
    agenda: Agenda, taker: Taker, rules: BookingRules, start: datetime, end: datetime, zone: ZoneInfo
) -> None:
    """Let [start, end) be taken too.

    Raises:
        QuotaExhausted: that would be more than a quota allows.
    """
    if not _has_any(rules):
        return
    length = _minutes_begun(start, end)
    for quota in quotas(agenda, taker, rules, start, zone):
        more = length if quota.name.endswith("-minutes") else 1
        if quota.limit is not None and quota.used + more > quota.limit:
            raise QuotaExhausted(quota.name, quota.limit, quota.used)


def _has_any(rules: BookingRules) -> bool:
    of_day, of_week = (rules.day_bookings, rules.day_minutes), (rules.week_bookings, rules.week_minutes)
    return any(limit is not None for limit in (*of_day, *of_week, rules.live_bookings))


def _counted(agenda: Agenda, taker: Taker) -> Iterator[HoldFacts | BookingFacts]:
    """Yield what counts towards a day or week: all but what was given back in time."""
    yield from _holds(agenda, taker)
    for booking in _bookings(agenda, taker):
        given_back = isinstance(booking, Revoked) or (isinstance(booking, Cancelled) and not booking.late)
        if not given_back:
            yield booking.facts


def _live(agenda: Agenda, taker: Taker) -> Iterator[HoldFacts | BookingFacts]:
    """Yield what the student has at that moment: to come, or under way."""
    yield from _holds(agenda, taker)
    for booking in _bookings(agenda, taker):
        if is_missed(booking, taker.at) or booking.facts.end <= taker.at:
            continue
        if isinstance(booking, Confirmed | CheckedIn):
            yield booking.facts


def _holds(agenda: Agenda, taker: Taker) -> Iterator[HoldFacts]:
    for hold_id, hold in agenda.holds.items():
        mine = hold.facts.user_id == taker.user_id and hold.facts.library_id == taker.library_id
        if mine and isinstance(hold, Held) and not has_lapsed(hold, taker.at) and hold_id != taker.instead_of:
            yield hold.facts


def _bookings(agenda: Agenda, taker: Taker) -> Iterator[Booking]:
    for booking_id, booking in agenda.bookings.items():
        mine = booking.facts.user_id == taker.user_id and booking.facts.library_id == taker.library_id
        if mine and booking_id != taker.instead_of:
            yield booking


def _within(facts: HoldFacts | BookingFacts, interval: tuple[datetime, datetime]) -> bool:
    start, end = interval
    return start <= facts.start < end


def _minutes(taken: list[HoldFacts | BookingFacts]) -> int:
    return sum(_minutes_begun(facts.start, facts.end) for facts in taken)


def _minutes_begun(start: datetime, end: datetime) -> int:
    """Count whole minutes, and one for what is left: seconds must not add up beside the quota."""
    return -((start - end) // _MINUTE)
