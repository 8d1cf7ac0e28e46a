"""Rule 14: how far ahead may be booked, from which moment on, and that nothing starts in the past."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.holds import PLACE_HOLD
from studyspot.domain.refusals import (
    BeyondHorizon,
    BookingTooLong,
    BookingTooShort,
    NotYetReleased,
    StartInThePast,
)
from studyspot.domain.rescheduling import RESCHEDULE_BOOKING
from tests.domain.given import (
    ASHA,
    DAY,
    HOUR,
    INSTANT,
    MINUTE,
    NOW,
    OPEN,
    SEAT,
    book,
    booked,
    hold,
    instant,
    library_in,
    reschedule,
    ruled,
    when,
)


def released(zone: str, start: str, at: datetime, **rules: Any) -> bool:
    """Say whether an hour from that local start may be booked at that moment."""
    begins = instant(start, zone)
    wish = book(start=begins, end=begins + HOUR, at=at)
    try:
        return bool(when(BOOK_SEAT, (library_in(zone), SEAT, ruled(**rules)), wish))
    except NotYetReleased:
        return False


@pytest.mark.parametrize(
    ("zone", "start", "days", "at", "first"),
    [
        ("Asia/Kolkata", "2026-12-08T23:00", 7, None, "2026-12-01T00:00"),
        ("Asia/Kolkata", "2026-12-08T00:00", 7, None, "2026-12-01T00:00"),
        ("Asia/Kolkata", "2026-12-08T00:00", 0, None, "2026-12-08T00:00"),
        ("Europe/Berlin", "2027-03-04T18:00", 7, time(9), "2027-02-25T09:00"),
        # Summer time begins between release and start, on the day of release, and within its hour.
        ("Europe/Berlin", "2027-04-01T18:00", 7, time(9), "2027-03-25T09:00"),
        ("Europe/Berlin", "2027-04-04T18:00", 7, time(9), "2027-03-28T09:00"),
        ("Europe/Berlin", "2027-04-04T18:00", 7, time(2, 30), "2027-03-28T03:00"),
        # Winter time begins: the first of the two.
        ("Europe/Berlin", "2027-11-07T18:00", 7, time(2, 30), "2027-10-31T02:30"),
        ("Australia/Lord_Howe", "2027-10-10T10:00", 7, time(2, 15), "2027-10-03T02:30"),
        ("America/New_York", "2027-03-21T10:00", 7, time(2, 15), "2027-03-14T03:00"),
        # Clocks that are put forward at midnight.
        ("Africa/Cairo", "2027-05-07T10:00", 7, None, "2027-04-30T01:00"),
    ],
)
def test_calendar_days_are_released_at_a_time_of_the_library_s_clock(
    zone: str, start: str, days: int, at: time | None, first: str
) -> None:
    rules = {"advance_days": days, "release_time": at}
    moment = instant(first, zone)
    assert not released(zone, start, moment - INSTANT, **rules)
    assert released(zone, start, moment, **rules)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Asia/Kolkata", "2026-12-15T10:00"),
        ("Europe/Berlin", "2027-03-30T10:00"),
        ("Europe/Berlin", "2027-11-02T10:00"),
    ],
)
def test_a_strict_window_is_so_many_times_24_hours_whatever_clocks_do(zone: str, start: str) -> None:
    first = instant(start, zone) - timedelta(hours=7 * 24)
    rules = {"advance_days": 7, "advance_strict": True}
    assert not released(zone, start, first - INSTANT, **rules)
    assert released(zone, start, first, **rules)


def test_a_refusal_tells_when_to_come_back() -> None:
    with pytest.raises(NotYetReleased) as refused:
        when(PLACE_HOLD, (*OPEN, ruled(advance_days=0)), hold())
    assert refused.value.released_at == instant("2026-12-02T00:00", "Asia/Kolkata")
    assert when(PLACE_HOLD, (*OPEN, ruled(advance_days=1)), hold())


def test_a_window_binds_what_is_rescheduled_too() -> None:
    history = (*OPEN, ruled(advance_days=2), booked(ASHA))
    later: dict[str, Any] = {"start": NOW + 3 * DAY, "end": NOW + 3 * DAY + HOUR}
    with pytest.raises(NotYetReleased):
        when(RESCHEDULE_BOOKING, history, reschedule(**later))


def test_nothing_ends_beyond_366_days_however_wide_the_window() -> None:
    history = (*OPEN, ruled(advance_days=1000))
    end = NOW + 366 * DAY
    assert when(BOOK_SEAT, history, book(start=end - HOUR, end=end))
    for decider, command in ((BOOK_SEAT, book), (PLACE_HOLD, hold)):
        with pytest.raises(BeyondHorizon):
            _decided(decider, history, command(start=end - HOUR, end=end + INSTANT))


def test_a_walk_in_of_five_minutes_ago_is_now_and_not_one_instant_more() -> None:
    earliest = NOW - 5 * MINUTE
    for decider, command in ((BOOK_SEAT, book), (PLACE_HOLD, hold)):
        assert _decided(decider, OPEN, command(start=earliest, end=NOW + HOUR))
        with pytest.raises(StartInThePast):
            _decided(decider, OPEN, command(start=earliest - INSTANT, end=NOW + HOUR))
        with pytest.raises(StartInThePast):
            _decided(decider, OPEN, command(start=earliest, end=NOW))


def test_a_booking_is_as_long_as_the_library_allows() -> None:
    history = (*OPEN, ruled(shortest_minutes=30, longest_minutes=60))
    for minutes, refusal in ((30, None), (60, None), (29, BookingTooShort), (61, BookingTooLong)):
        wish = book(end=book().start + minutes * MINUTE)
        if refusal is None:
            assert when(BOOK_SEAT, history, wish)
        else:
            with pytest.raises(refusal):
                when(BOOK_SEAT, history, wish)


def _decided(decider: Any, history: Any, command: Any) -> Any:
    return when(decider, history, command)
