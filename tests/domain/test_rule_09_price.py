"""Rules 9 and 17: which plan prices an interval, and what it then costs; amounts are worked out by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from studyspot.domain.events import Plan, PlanUnit, PricingUpdated, ShiftName
from studyspot.domain.pricing import amount_minor, plan_for
from studyspot.domain.refusals import NoPlanApplies, PlanNotApplicable, PlanRequired
from tests.domain.given import ELEVEN, NINE, priced

KOLKATA = ZoneInfo("Asia/Kolkata")
BERLIN = ZoneInfo("Europe/Berlin")
INSTANT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


def instant(wall_time: str, at: ZoneInfo) -> datetime:
    """Return the UTC instant of a wall time such as 2027-01-31T10:00; of an ambiguous one the first."""
    return datetime.fromisoformat(wall_time).replace(tzinfo=at).astimezone(UTC)


def cost(unit: PlanUnit, amount: int, start: datetime, end: datetime, at: ZoneInfo = KOLKATA) -> int:
    return amount_minor(Plan(id="p", unit=unit, amount_minor=amount), start, end, at)


@pytest.mark.parametrize(
    ("amount", "elapsed", "expected"),
    [
        (5000, HOUR, 5000),
        (5000, timedelta(minutes=1), 83),  # 83.33
        (5000, timedelta(minutes=90), 7500),
        (5000, timedelta(hours=7), 35000),
        (5000, timedelta(seconds=18), 25),
        (1, timedelta(minutes=29, seconds=59), 0),  # 0.4997
        (1, timedelta(minutes=30), 1),  # A half.
        (1, timedelta(minutes=90), 2),  # One and a half, to the even number or not.
        (1, timedelta(minutes=150), 3),  # Two and a half: to the even number it would be 2.
        (99, timedelta(minutes=20), 33),
        (100, timedelta(minutes=20), 33),  # 33.33
        (101, timedelta(minutes=20), 34),  # 33.67
        (0, timedelta(hours=3), 0),
    ],
)
def test_hours_are_charged_by_elapsed_time_and_half_a_minor_unit_is_rounded_up(
    amount: int, elapsed: timedelta, expected: int
) -> None:
    assert cost("hour", amount, NINE, NINE + elapsed) == expected


@pytest.mark.parametrize(
    ("unit", "elapsed", "expected"),
    [
        ("day", timedelta(minutes=1), 700),
        ("day", DAY - INSTANT, 700),
        ("day", DAY, 700),
        ("day", DAY + INSTANT, 1400),
        ("day", 2 * DAY, 1400),
        ("day", 2 * DAY + HOUR, 2100),
        ("day", 30 * DAY, 21000),
        ("week", timedelta(minutes=1), 700),
        ("week", WEEK - INSTANT, 700),
        ("week", WEEK, 700),
        ("week", WEEK + INSTANT, 1400),
        ("week", 2 * WEEK, 1400),
        ("week", 2 * WEEK + DAY, 2100),
        ("week", 100 * DAY, 10500),  # 14 weeks and two days.
    ],
)
def test_a_day_or_week_begun_is_charged_whole(unit: PlanUnit, elapsed: timedelta, expected: int) -> None:
    assert cost(unit, 700, NINE, NINE + elapsed) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2027-01-15T10:00", "2027-01-15T10:01", 1),
        ("2027-01-15T10:00", "2027-02-14T18:00", 1),
        ("2027-01-15T10:00", "2027-02-15T09:59", 1),
        ("2027-01-15T10:00", "2027-02-15T10:00", 1),
        ("2027-01-15T10:00", "2027-02-15T10:01", 2),
        ("2027-01-15T10:00", "2027-03-15T10:00", 2),
        ("2027-01-15T10:00", "2027-03-16T00:00", 3),
        # A whole month, however long, by its days.
        ("2027-02-01T00:00", "2027-03-01T00:00", 1),
        ("2027-03-01T00:00", "2027-04-01T00:00", 1),
        ("2027-03-01T00:00", "2027-04-01T00:01", 2),
        # Over the end of the year.
        ("2026-12-15T10:00", "2027-01-15T10:00", 1),
        ("2026-12-15T10:00", "2027-02-15T10:01", 3),
        # Where a month lacks the day, the one begun lasts until that month's end.
        ("2027-01-31T10:00", "2027-02-28T10:00", 1),
        ("2027-01-31T10:00", "2027-02-28T23:59", 1),
        ("2027-01-31T10:00", "2027-03-01T00:00", 1),
        ("2027-01-31T10:00", "2027-03-01T00:01", 2),
        ("2027-01-31T10:00", "2027-03-31T10:00", 2),
        ("2027-01-31T10:00", "2027-03-31T10:01", 3),
        ("2027-01-30T10:00", "2027-02-28T10:00", 1),
        ("2027-03-31T10:00", "2027-05-01T00:00", 1),
        ("2028-01-31T10:00", "2028-02-29T10:00", 1),
        ("2028-01-29T10:00", "2028-02-29T10:00", 1),
        ("2028-01-29T10:00", "2028-02-29T10:01", 2),
        ("2028-01-29T10:00", "2028-03-01T00:00", 2),
        ("2027-02-28T10:00", "2027-03-28T10:01", 2),
    ],
)
@pytest.mark.parametrize("at", [KOLKATA, BERLIN], ids=str)
def test_a_month_begun_is_charged_whole_by_the_local_calendar(
    start: str, end: str, expected: int, at: ZoneInfo
) -> None:
    assert cost("month", 900, instant(start, at), instant(end, at), at) == 900 * expected


def test_a_month_is_over_at_the_instant_it_began() -> None:
    start, end = instant("2027-01-15T10:00", KOLKATA), instant("2027-02-15T10:00", KOLKATA)
    assert cost("month", 900, start, end) == 900
    assert cost("month", 900, start, end + INSTANT) == 1800


def test_a_month_is_of_the_library_s_calendar_not_of_utc() -> None:
    # In Kolkata 1 February until 1 March; in UTC 31 January, 18:30, until 28 February, 18:30.
    start, end = instant("2027-02-01T00:00", KOLKATA), instant("2027-03-01T00:00", KOLKATA)
    assert cost("month", 900, start, end + timedelta(hours=1), KOLKATA) == 1800
    assert cost("month", 900, start, end + timedelta(hours=1), ZoneInfo("UTC")) == 900


@pytest.mark.parametrize(
    ("unit", "start", "end", "expected"),
    [
        # On 28 March 2027 Berlin skips 02:00 to 03:00; on 31 October it lives through it twice.
        ("hour", "2027-03-28T01:00", "2027-03-28T04:00", 2 * 600),
        ("hour", "2027-10-31T01:00", "2027-10-31T04:00", 4 * 600),
        ("day", "2027-03-28T00:00", "2027-03-29T00:00", 600),
        ("day", "2027-10-31T00:00", "2027-10-31T23:00", 600),
        ("day", "2027-10-31T00:00", "2027-11-01T00:00", 2 * 600),
        ("week", "2027-03-22T10:00", "2027-03-29T11:00", 600),
        ("week", "2027-10-25T10:00", "2027-11-01T09:00", 600),
        ("week", "2027-10-25T10:00", "2027-11-01T10:00", 2 * 600),
        ("month", "2027-03-15T10:00", "2027-04-15T10:00", 600),
        ("month", "2027-03-15T10:00", "2027-04-15T10:01", 2 * 600),
        ("month", "2027-10-15T10:00", "2027-11-15T10:00", 600),
    ],
)
def test_where_clocks_change_all_but_months_are_charged_by_elapsed_time(
    unit: PlanUnit, start: str, end: str, expected: int
) -> None:
    assert cost(unit, 600, instant(start, BERLIN), instant(end, BERLIN), BERLIN) == expected


def test_less_than_an_hour_across_the_repeated_one_is_one_month() -> None:
    # 02:30 in summer time, then 02:15 in winter time: later, though its wall time is not.
    start = instant("2027-10-31T02:30", BERLIN)
    assert cost("month", 900, start, start + timedelta(minutes=45), BERLIN) == 900


def shift(name: ShiftName) -> Plan:
    return Plan(id=name, unit="shift", shift=name, amount_minor=12000)


def applies(plan: Plan, start: datetime, end: datetime, at: ZoneInfo) -> bool:
    try:
        return plan_for(priced(plan), None, "general", start, end, at) is plan
    except NoPlanApplies:
        return False


SHIFT_HOURS: list[tuple[ShiftName, str, str]] = [
    ("morning", "2026-12-02T06:00", "2026-12-02T12:00"),
    ("afternoon", "2026-12-02T12:00", "2026-12-02T18:00"),
    ("evening", "2026-12-02T18:00", "2026-12-02T23:00"),
    ("night", "2026-12-02T23:00", "2026-12-03T06:00"),
    ("half-day", "2026-12-02T06:00", "2026-12-02T14:00"),
    ("full-day", "2026-12-02T06:00", "2026-12-02T23:00"),
]


@pytest.mark.parametrize(("name", "start", "end"), SHIFT_HOURS)
@pytest.mark.parametrize("at", [KOLKATA, BERLIN], ids=str)
def test_a_shift_is_exactly_its_hours_on_the_library_s_clock(
    name: ShiftName, start: str, end: str, at: ZoneInfo
) -> None:
    begins, ends = instant(start, at), instant(end, at)
    assert applies(shift(name), begins, ends, at)
    assert amount_minor(shift(name), begins, ends, at) == 12000
    minute = timedelta(minutes=1)
    for other in [
        (begins - minute, ends),
        (begins + minute, ends),
        (begins, ends - minute),
        (begins, ends + minute),
        (begins, ends + DAY),
    ]:
        assert not applies(shift(name), *other, at)
    assert not applies(shift(name), begins, ends, ZoneInfo("America/New_York"))


@pytest.mark.parametrize(
    ("start", "end", "elapsed_hours"),
    [
        ("2027-03-27T23:00", "2027-03-28T06:00", 6),
        ("2027-10-30T23:00", "2027-10-31T06:00", 8),
        ("2026-12-31T23:00", "2027-01-01T06:00", 7),
        ("2027-02-28T23:00", "2027-03-01T06:00", 7),
    ],
)
def test_a_night_shift_ends_on_the_next_local_day_whatever_the_clocks_do(
    start: str, end: str, elapsed_hours: int
) -> None:
    begins, ends = instant(start, BERLIN), instant(end, BERLIN)
    assert ends - begins == elapsed_hours * HOUR
    assert applies(shift("night"), begins, ends, BERLIN)
    assert amount_minor(shift("night"), begins, ends, BERLIN) == 12000


HOURLY = Plan(id="hourly", unit="hour", amount_minor=5000)
QUIET = Plan(id="quiet", unit="hour", amount_minor=7000, zone="quiet")


@pytest.mark.parametrize("pricing", [None, priced()])
def test_without_plans_a_library_is_free_and_knows_none_by_name(pricing: PricingUpdated | None) -> None:
    assert plan_for(pricing, None, "general", NINE, ELEVEN, KOLKATA) is None
    with pytest.raises(PlanNotApplicable) as refused:
        plan_for(pricing, "hourly", "general", NINE, ELEVEN, KOLKATA)
    assert refused.value.plan_ids == ()


def test_a_plan_of_a_zone_prices_that_zone_only() -> None:
    prices = priced(HOURLY, QUIET)
    assert plan_for(prices, None, "general", NINE, ELEVEN, KOLKATA) is HOURLY
    assert plan_for(prices, "quiet", "quiet", NINE, ELEVEN, KOLKATA) is QUIET
    with pytest.raises(PlanRequired) as required:
        plan_for(prices, None, "quiet", NINE, ELEVEN, KOLKATA)
    assert required.value.plan_ids == ("hourly", "quiet")
    with pytest.raises(PlanNotApplicable) as refused:
        plan_for(prices, "quiet", "general", NINE, ELEVEN, KOLKATA)
    assert refused.value.plan_ids == ("hourly",)
    with pytest.raises(NoPlanApplies):
        plan_for(priced(QUIET), "quiet", "general", NINE, ELEVEN, KOLKATA)
