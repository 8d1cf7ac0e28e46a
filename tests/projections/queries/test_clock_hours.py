"""Hours as a library's clock shows them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from studyspot.projections.queries.clock_hours import clock_hours

HOUR = timedelta(hours=1)


def test_an_hour_begins_where_the_clock_says_so_not_where_utc_does() -> None:
    start = datetime(2026, 12, 1, 9, tzinfo=UTC)  # 14:30 in Kolkata, a Tuesday
    first, second, third = clock_hours(start, start + 2 * HOUR, ZoneInfo("Asia/Kolkata"))
    assert (first.begins, first.weekday, first.hour) == (start, 1, 14)
    assert (second.begins, second.hour) == (start + HOUR / 2, 15)
    assert (third.begins, third.hour) == (start + HOUR * 1.5, 16)


@pytest.mark.parametrize(
    ("zone", "day", "lengths"),
    [
        # Put forward from two to three, and back from three to two.
        ("Europe/Berlin", datetime(2026, 3, 28, 23, tzinfo=UTC), {0: 1, 1: 1, 3: 1, 4: 1}),
        ("Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC), {0: 1, 1: 1, 2: 2, 3: 1, 4: 1}),
        # By half an hour only, at two.
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 13, 30, tzinfo=UTC), {0: 1, 1: 1, 2: 0.5, 3: 1, 4: 1}),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 13, tzinfo=UTC), {0: 1, 1: 1.5, 2: 1, 3: 1, 4: 1}),
    ],
)
def test_an_hour_that_is_skipped_is_not_there_and_one_that_comes_twice_is_longer(
    zone: str, day: datetime, lengths: dict[int, float]
) -> None:
    end = day + sum(lengths.values()) * HOUR
    hours = clock_hours(day, end, ZoneInfo(zone))
    ends = [*(hour.begins for hour in hours[1:]), end]
    shown = {hour.hour: (until - hour.begins) / HOUR for hour, until in zip(hours, ends, strict=True)}
    assert shown == lengths
    assert {hour.weekday for hour in hours} == {6}


def test_times_that_are_no_whole_hours_are_kept_to_the_microsecond() -> None:
    start = datetime(2026, 12, 1, 9, 59, 59, 999_999, tzinfo=UTC)
    first, second = clock_hours(start, start + timedelta(microseconds=2), ZoneInfo("UTC"))
    assert (first.begins, first.hour) == (start, 9)
    assert (second.begins, second.hour) == (datetime(2026, 12, 1, 10, tzinfo=UTC), 10)
