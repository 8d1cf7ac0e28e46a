"""Rule 10: a booking lies within hours that are open, however many of them touch, over midnight too."""

from datetime import time, timedelta

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.events import LibraryHoursSet
from studyspot.domain.opening_hours import WEEKDAYS, OpenHours, Weekday
from studyspot.domain.refusals import OutsideOpeningHours
from tests.domain.given import DAY, INSTANT, SEAT, book, instant, library_in, when

KOLKATA = "Asia/Kolkata"


def hours(day: Weekday, opens: str, closes: str) -> OpenHours:
    return OpenHours(day=day, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes))


def daily(opens: str, closes: str) -> tuple[OpenHours, ...]:
    return tuple(hours(day, opens, closes) for day in WEEKDAYS)


def is_open(
    known: tuple[OpenHours, ...] | None,
    start: str,
    end: str,
    zone: str = KOLKATA,
    less: timedelta = timedelta(0),
) -> bool:
    begins, ends = instant(start, zone), instant(end, zone) - less
    history = (library_in(zone), SEAT, LibraryHoursSet(library_id="L1", hours=known))
    try:
        return bool(when(BOOK_SEAT, history, book(start=begins, end=ends, at=begins - DAY)))
    except OutsideOpeningHours:
        return False


def test_a_library_without_hours_is_always_open_and_one_with_none_never() -> None:
    assert is_open(None, "2026-12-05T03:00", "2026-12-06T03:00")
    assert not is_open((), "2026-12-05T03:00", "2026-12-05T04:00")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-12-02T08:00", "2026-12-02T20:00", True),
        ("2026-12-02T07:59", "2026-12-02T09:00", False),
        ("2026-12-02T19:00", "2026-12-02T20:01", False),
        ("2026-12-02T06:00", "2026-12-02T07:00", False),
        ("2026-12-02T20:00", "2026-12-02T21:00", False),
        ("2026-12-02T19:00", "2026-12-03T09:00", False),
    ],
)
def test_a_booking_lies_within_the_day_s_hours(start: str, end: str, expected: bool) -> None:
    assert is_open(daily("08:00", "20:00"), start, end) is expected


def test_the_hours_are_those_of_the_weekday_on_the_library_s_clock() -> None:
    wednesday = (hours("wednesday", "00:00", "06:00"),)
    # 2 December 2026 is a Wednesday; 00:00 in Kolkata is still Tuesday in UTC.
    assert is_open(wednesday, "2026-12-02T00:00", "2026-12-02T06:00")
    assert not is_open(wednesday, "2026-12-03T00:00", "2026-12-03T06:00")


def test_hours_that_touch_or_overlap_are_one_and_those_with_a_gap_are_not() -> None:
    assert is_open((hours("wednesday", "08:00", "12:00"), hours("wednesday", "12:00", "20:00")), *DAYTIME)
    assert is_open((hours("wednesday", "14:00", "20:00"), hours("wednesday", "08:00", "15:00")), *DAYTIME)
    assert is_open(
        (
            hours("wednesday", "08:00", "20:00"),
            hours("wednesday", "10:00", "11:00"),
        ),
        *DAYTIME,
    )
    assert not is_open((hours("wednesday", "08:00", "12:00"), hours("wednesday", "12:01", "20:00")), *DAYTIME)


DAYTIME = ("2026-12-02T09:00", "2026-12-02T19:00")


def test_crossing_midnight_is_legal_where_it_is_open_throughout() -> None:
    night = ("2026-12-02T22:00", "2026-12-03T05:00")
    assert is_open(daily("20:00", "06:00"), *night)
    assert is_open((hours("wednesday", "20:00", "00:00"), hours("thursday", "00:00", "06:00")), *night)
    assert not is_open((hours("wednesday", "20:00", "23:59"), hours("thursday", "00:00", "06:00")), *night)
    assert not is_open((hours("thursday", "20:00", "06:00"),), *night)
    assert is_open((hours("wednesday", "20:00", "06:00"),), "2026-12-03T01:00", "2026-12-03T06:00")


def test_hours_that_close_when_they_open_are_a_whole_day() -> None:
    assert is_open(daily("00:00", "00:00"), "2026-12-01T00:00", "2026-12-20T00:00")
    one = (hours("wednesday", "09:00", "09:00"),)
    assert is_open(one, "2026-12-02T09:00", "2026-12-03T09:00")
    assert not is_open(one, "2026-12-02T09:00", "2026-12-03T09:01")


@pytest.mark.parametrize(
    ("opens", "closes", "start", "end", "expected"),
    [
        # The clock skips 02:00 to 03:00.
        ("01:00", "04:00", "2027-03-28T01:00", "2027-03-28T04:00", True),
        ("02:30", "06:00", "2027-03-28T03:00", "2027-03-28T06:00", True),
        ("22:00", "02:30", "2027-03-27T22:00", "2027-03-28T03:00", True),
        ("22:00", "02:30", "2027-03-27T22:00", "2027-03-28T03:01", False),
        # It shows 02:00 to 03:00 twice.
        ("01:00", "04:00", "2027-10-31T01:00", "2027-10-31T04:00", True),
        ("03:00", "06:00", "2027-10-31T03:00", "2027-10-31T06:00", True),
        ("22:00", "03:00", "2027-10-30T22:00", "2027-10-31T03:00", True),
        ("22:00", "03:00", "2027-10-30T22:00", "2027-10-31T03:01", False),
    ],
)
def test_where_clocks_change_it_is_open_as_its_clock_says(
    opens: str, closes: str, start: str, end: str, expected: bool
) -> None:
    assert is_open(daily(opens, closes), start, end, "Europe/Berlin") is expected


def test_the_last_instant_of_an_open_time_is_open_and_the_first_after_it_is_not() -> None:
    start, end = "2026-12-02T19:00", "2026-12-02T20:00"
    assert is_open(daily("08:00", "20:00"), start, end, less=INSTANT)
    assert not is_open(daily("08:00", "20:00"), start, end, less=-INSTANT)
