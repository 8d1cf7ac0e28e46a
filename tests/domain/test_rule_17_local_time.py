"""Rule 17: the library's clock skips and repeats times; what lasts is counted by elapsed minutes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.events import BookingCreated, Plan
from studyspot.domain.local_time import first_instant_of, instant_of, local_day, local_week
from studyspot.domain.refusals import WallTimeAmbiguous, WallTimeSkipped
from tests.domain.given import DAY, HOUR, SEAT, book, instant, library_in, only, priced, when

GAPS = [
    ("Europe/Berlin", "2027-03-28T02:00", "2027-03-28T03:00"),
    ("America/New_York", "2027-03-14T02:00", "2027-03-14T03:00"),
    ("Australia/Lord_Howe", "2027-10-03T02:00", "2027-10-03T02:30"),
    ("Africa/Cairo", "2027-04-30T00:00", "2027-04-30T01:00"),
    ("Pacific/Apia", "2011-12-30T00:00", "2011-12-31T00:00"),  # A whole day.
]
REPEATED = [
    ("Europe/Berlin", "2027-10-31T02:00", "2027-10-31T03:00", HOUR),
    ("America/New_York", "2027-11-07T01:00", "2027-11-07T02:00", HOUR),
    ("Australia/Lord_Howe", "2027-04-04T01:30", "2027-04-04T02:00", timedelta(minutes=30)),
]
MINUTE = timedelta(minutes=1)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(("zone", "first", "after"), GAPS)
def test_a_time_that_the_clock_skips_is_refused(zone: str, first: str, after: str) -> None:
    at = ZoneInfo(zone)
    for skipped in (wall(first), wall(first) + MINUTE, wall(after) - MINUTE):
        with pytest.raises(WallTimeSkipped):
            instant_of(skipped, at)
    assert instant_of(wall(after), at) - instant_of(wall(first) - MINUTE, at) == MINUTE


@pytest.mark.parametrize(("zone", "first", "after", "apart"), REPEATED)
def test_a_time_that_the_clock_shows_twice_needs_an_offset(
    zone: str, first: str, after: str, apart: timedelta
) -> None:
    at = ZoneInfo(zone)
    for twice in (wall(first), wall(after) - MINUTE):
        with pytest.raises(WallTimeAmbiguous) as refused:
            instant_of(twice, at)
        earlier, later = refused.value.earlier, refused.value.later
        assert later.astimezone(UTC) - earlier.astimezone(UTC) == apart
        for one in (earlier, later):
            assert one.replace(tzinfo=None) == twice
            assert instant_of(one, at) == one.astimezone(UTC)
    assert instant_of(wall(first) - MINUTE, at) < instant_of(wall(after), at)


def test_where_clocks_never_change_every_time_is_itself() -> None:
    assert instant_of(wall("2027-03-28T02:30"), ZoneInfo("Asia/Kolkata")) == wall("2027-03-27T21:00Z")
    assert instant_of(wall("2027-03-28T02:30+05:30"), ZoneInfo("Europe/Berlin")) == wall("2027-03-27T21:00Z")


@pytest.mark.parametrize(("zone", "first", "after"), GAPS)
def test_the_first_instant_of_a_skipped_time_is_the_gap_s_end(zone: str, first: str, after: str) -> None:
    at, skipped = ZoneInfo(zone), wall(first)
    end = first_instant_of(wall(after).date(), wall(after).time(), at)
    for within in (skipped, skipped + MINUTE, skipped + timedelta(seconds=1)):
        assert first_instant_of(within.date(), within.time(), at) == end
    assert end.microsecond == 0


@pytest.mark.parametrize(
    ("zone", "on", "hours"),
    [
        ("Europe/Berlin", "2027-03-28", 23),
        ("Europe/Berlin", "2027-10-31", 25),
        ("Australia/Lord_Howe", "2027-10-03", 23.5),
        ("Australia/Lord_Howe", "2027-04-04", 24.5),
        ("Africa/Cairo", "2027-04-30", 23),
        ("Asia/Kolkata", "2027-03-28", 24),
    ],
)
def test_a_local_day_lasts_as_long_as_its_clock_says(zone: str, on: str, hours: float) -> None:
    noon = instant(f"{on}T12:00", zone)
    begins, ends = local_day(noon, ZoneInfo(zone))
    assert ends - begins == timedelta(hours=hours)
    assert local_day(begins, ZoneInfo(zone)) == (begins, ends)
    assert local_day(ends, ZoneInfo(zone))[0] == ends


ZONES = sorted(available_timezones() - {"localtime", "Factory"})
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.sampled_from(ZONES), INSTANTS)
def test_in_every_zone_days_and_weeks_follow_one_another(zone: str, moment: datetime) -> None:
    at = ZoneInfo(zone)
    for period in (local_day, local_week):
        begins, ends = period(moment, at)
        assert begins <= moment < ends
        assert period(begins, at) == (begins, ends)
        assert period(ends, at)[0] == ends
    monday, _ = local_week(moment, at)
    assert monday.astimezone(at).weekday() == 0 or monday - HOUR < moment


@given(st.sampled_from(ZONES), INSTANTS)
def test_in_every_zone_what_the_clock_shows_once_is_that_instant(zone: str, moment: datetime) -> None:
    at = ZoneInfo(zone)
    shown = moment.astimezone(at)
    found: tuple[datetime, ...]
    try:
        found = (instant_of(shown.replace(tzinfo=None, fold=0), at),)
    except WallTimeAmbiguous as twice:
        found = (twice.earlier, twice.later)
    assert moment in [one.astimezone(UTC) for one in found]
    assert instant_of(shown, at) == moment


@given(st.sampled_from(ZONES), st.dates(date(2000, 1, 1), date(2037, 1, 1)), st.times())
def test_in_every_zone_the_first_instant_of_a_time_is_not_before_it(
    zone: str, on: date, of_day: time
) -> None:
    at = ZoneInfo(zone)
    found = first_instant_of(on, of_day, at)
    assert found.astimezone(at).replace(tzinfo=None) >= datetime.combine(on, of_day)
    before = (found - timedelta(microseconds=1)).astimezone(at).replace(tzinfo=None)
    assert before < datetime.combine(on, of_day)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2027-03-28T01:00", "2027-03-28T04:00", 2),
        ("2027-10-31T01:00", "2027-10-31T04:00", 4),
        ("2027-06-01T01:00", "2027-06-01T04:00", 3),
    ],
)
def test_a_booking_lasts_and_costs_its_elapsed_time(start: str, end: str, hours: int) -> None:
    begins, ends = instant(start, "Europe/Berlin"), instant(end, "Europe/Berlin")
    history = (
        *(library_in("Europe/Berlin"), SEAT),
        priced(Plan(id="hourly", unit="hour", amount_minor=1000)),
    )
    wish = book(start=begins, end=ends, at=begins - DAY)
    created = only(BookingCreated, when(BOOK_SEAT, history, wish))
    assert created.end - created.start == timedelta(hours=hours)
    assert created.amount_minor == 1000 * hours
