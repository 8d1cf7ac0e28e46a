"""Rule 13: how much of a library one student may take, by local day, by ISO week, and live at once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from studyspot.domain.allowance import ASK_ALLOWANCE, AskAllowance, allowance_of
from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    BookingRevoked,
    Event,
    HoldLapsed,
    HoldReleased,
    LibraryDeleted,
    LibraryUpdated,
)
from studyspot.domain.holds import PLACE_HOLD
from studyspot.domain.people import Actor
from studyspot.domain.quota import Quota
from studyspot.domain.refusals import LibraryRetired, LibraryUnknown, QuotaExhausted
from tests.domain.given import (
    ASHA,
    DAY,
    HOUR,
    INSTANT,
    MINUTE,
    NINE,
    NOW,
    OPEN,
    OTHER_SEAT,
    RAVI,
    SEAT,
    TEN,
    book,
    booked,
    held,
    hold,
    instant,
    library_in,
    missed,
    moved,
    ruled,
    when,
)
from tests.domain.log import Log, fold


def taken(
    number: int, start: datetime, length: timedelta = HOUR, by: Actor = ASHA, **more: Any
) -> BookingCreated:
    return booked(by, booking_id=f"T{number}", seat_id="S2", start=start, end=start + length, **more)


def exhausted(history: Iterable[Event], **wish: Any) -> QuotaExhausted:
    with pytest.raises(QuotaExhausted) as refused:
        when(BOOK_SEAT, history, book(**wish))
    return refused.value


@pytest.mark.parametrize(
    ("rules", "quota"),
    [
        ({"day_bookings": 1}, ("day-bookings", 1, 1)),
        ({"day_minutes": 179}, ("day-minutes", 179, 60)),
        ({"week_bookings": 1}, ("week-bookings", 1, 1)),
        ({"week_minutes": 179}, ("week-minutes", 179, 60)),
        ({"live_bookings": 1}, ("live-bookings", 1, 1)),
    ],
)
def test_what_would_be_more_than_a_quota_is_refused_and_what_fills_it_is_not(
    rules: dict[str, int], quota: tuple[str, int, int]
) -> None:
    history = (*OPEN, taken(1, NINE - 3 * HOUR))
    refused = exhausted((*history, ruled(**rules)))
    assert (refused.quota, refused.limit, refused.used) == quota
    ((name, limit),) = rules.items()
    enough = ruled(**{name: limit + 1})
    assert when(BOOK_SEAT, (*history, enough), book())
    with pytest.raises(QuotaExhausted):
        when(PLACE_HOLD, (*history, ruled(**rules)), hold())


def test_a_quota_of_none_is_a_quota() -> None:
    assert exhausted((*OPEN, ruled(day_bookings=0))).used == 0


def test_quotas_are_one_student_s_in_one_library() -> None:
    elsewhere = booked(ASHA, booking_id="T1", library_id="L2", seat_id="S9", start=NINE - DAY / 4, end=NINE)
    assert when(BOOK_SEAT, (*OPEN, ruled(day_bookings=1, live_bookings=1), elsewhere), book())
    assert when(BOOK_SEAT, (*OPEN, ruled(day_bookings=1), taken(1, NINE, by=RAVI)), book())


def test_holds_count_until_they_are_over() -> None:
    other = held(seat_id="S2", start=NINE + 3 * HOUR, end=NINE + 4 * HOUR)
    for rules in ({"day_bookings": 1}, {"live_bookings": 1}, {"week_minutes": 179}):
        history = (*OPEN, ruled(**rules), other)
        exhausted(history)
        assert when(BOOK_SEAT, history, book(at=other.until))
        assert when(BOOK_SEAT, (*history, HoldReleased(**other.facts())), book())
        assert when(BOOK_SEAT, (*history, HoldLapsed(**other.facts())), book())


def test_booking_what_is_held_does_not_count_twice() -> None:
    rules = ruled(day_bookings=1, week_bookings=1, live_bookings=1, day_minutes=120, week_minutes=120)
    for hold_id in (None, "H0"):
        assert when(BOOK_SEAT, (*OPEN, rules, held()), book(hold_id=hold_id))


def test_what_was_given_back_in_time_counts_no_more_and_the_rest_does() -> None:
    one = taken(1, NINE - 3 * HOUR)
    rules = ruled(day_bookings=1)
    checked_in = BookingCheckedIn(**one.facts())
    back: tuple[tuple[Event, ...], ...] = (
        (BookingCancelled(**one.facts(), late=False),),
        (BookingRevoked(**one.facts(), reason="closure"),),
        (checked_in, BookingRevoked(**one.facts(), reason="closure")),
        (moved(one, start=NINE + DAY, end=TEN + DAY),),
    )
    for ended in back:
        assert when(BOOK_SEAT, (*OPEN, rules, one, *ended), book())
    kept: tuple[tuple[Event, ...], ...] = (
        (BookingCancelled(**one.facts(), late=True),),
        (missed(one),),
        (checked_in,),
        (checked_in, BookingCheckedOut(**one.facts())),
    )
    for ended in kept:
        exhausted((*OPEN, rules, one, *ended))


def test_a_booking_that_moved_into_the_day_counts() -> None:
    one = taken(1, NINE + 9 * DAY)
    exhausted((*OPEN, ruled(day_bookings=1), one, moved(one, start=NINE - 3 * HOUR, end=NINE - 2 * HOUR)))


def test_live_is_what_is_to_come_or_under_way() -> None:
    one = taken(1, NINE)
    live = (*OPEN, ruled(live_bookings=1), one)
    later: dict[str, Any] = {"start": NINE + 30 * DAY, "end": TEN + 30 * DAY}
    exhausted(live, **later)
    checked_in = BookingCheckedIn(**one.facts())
    exhausted((*live, checked_in), at=TEN - INSTANT, **later)
    for ended, at in (
        ((), one.check_in_until),
        ((checked_in,), TEN),
        ((checked_in, BookingCheckedOut(**one.facts())), NINE),
        ((BookingCancelled(**one.facts(), late=True),), NOW),
        ((missed(one),), one.check_in_until),
    ):
        assert when(BOOK_SEAT, (*live, *ended), book(at=at, **later))


def test_a_live_booking_counts_however_far_away_it_is() -> None:
    far = taken(1, NOW + 365 * DAY)
    exhausted((*OPEN, ruled(live_bookings=1), far))


def test_seconds_do_not_add_up_beside_a_quota_of_minutes() -> None:
    almost = taken(1, NINE - 3 * HOUR, length=HOUR + 59 * timedelta(seconds=1))
    assert exhausted((*OPEN, ruled(day_minutes=180), almost)).used == 61
    exhausted((*OPEN, ruled(day_minutes=120)), end=NINE + 2 * HOUR + INSTANT)
    assert when(BOOK_SEAT, (*OPEN, ruled(day_minutes=120)), book(end=NINE + 2 * HOUR))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2027-03-28", 23),
        ("Europe/Berlin", "2027-10-31", 25),
        ("America/New_York", "2027-03-14", 23),
        ("America/New_York", "2027-11-07", 25),
        ("Australia/Lord_Howe", "2027-04-04", 24.5),
        ("Asia/Kolkata", "2027-03-28", 24),
    ],
)
def test_a_day_is_the_library_s_own_of_23_to_25_hours(zone: str, day: str, hours: float) -> None:
    begins = instant(f"{day}T00:00", zone)
    ends = begins + timedelta(hours=hours)
    at = begins - 2 * DAY
    last = taken(1, ends - MINUTE, length=MINUTE)
    history = (library_in(zone), SEAT, OTHER_SEAT, ruled(day_bookings=1), last)
    exhausted(history, start=begins, end=begins + HOUR, at=at)
    assert when(BOOK_SEAT, history, book(start=begins - HOUR, end=begins + HOUR, at=at))
    assert when(BOOK_SEAT, history, book(start=ends, end=ends + HOUR, at=at))


def test_a_booking_over_midnight_is_of_the_day_on_which_it_starts() -> None:
    night = instant("2026-12-03T23:00", "Asia/Kolkata")
    over = taken(1, night, length=7 * HOUR)
    morning: dict[str, Any] = {"start": night + 12 * HOUR, "end": night + 13 * HOUR}
    before: dict[str, Any] = {"start": night - 12 * HOUR, "end": night - 11 * HOUR}
    history = (*OPEN, ruled(day_bookings=1, day_minutes=420), over)
    assert when(BOOK_SEAT, history, book(**morning))
    exhausted(history, **before)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2026-12-28T00:00", "2027-01-03T23:00", True),  # Week 53 of 2026.
        ("2027-01-03T23:00", "2027-01-04T00:00", False),
        ("2026-12-27T23:00", "2026-12-28T00:00", False),
        ("2026-12-29T08:00", "2027-01-01T08:00", True),
    ],
)
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Pacific/Auckland", "America/Los_Angeles"])
def test_a_week_is_the_iso_week_of_the_library_s_clock_over_the_year_s_end(
    one: str, other: str, same: bool, zone: str
) -> None:
    history = (
        library_in(zone),
        SEAT,
        OTHER_SEAT,
        ruled(week_bookings=1),
        taken(1, instant(one, zone), length=30 * MINUTE),
    )
    start = instant(other, zone)
    if same:
        exhausted(history, start=start, end=start + HOUR)
    else:
        assert when(BOOK_SEAT, history, book(start=start, end=start + HOUR))


def test_where_a_library_moves_to_another_zone_its_days_are_those_of_the_new_one() -> None:
    # 20:00 UTC is the next day in Kolkata, and the same in Berlin.
    evening, noon = NINE.replace(hour=20), NINE.replace(hour=12)
    in_berlin = LibraryUpdated(library_id="L1", name="Saraswati", city="Berlin", time_zone="Europe/Berlin")
    history = (*OPEN, ruled(day_bookings=1), taken(1, evening))
    assert when(BOOK_SEAT, history, book(start=noon, end=noon + HOUR))
    exhausted((*history, in_berlin), start=noon, end=noon + HOUR)


def test_two_bookings_of_one_student_for_one_quota_conflict_wherever_they_are() -> None:
    for rules, apart in (
        ({"live_bookings": 1}, 300 * DAY),
        ({"week_bookings": 1}, 3 * DAY),
        ({"day_minutes": 120}, 4 * HOUR),
    ):
        log = Log((*OPEN, ruled(**rules)))
        first = log.decide(BOOK_SEAT, book())
        second = log.decide(
            BOOK_SEAT, book(booking_id="B2", seat_id="S2", start=NINE + apart, end=NINE + apart + 2 * HOUR)
        )
        log.append(first.events)
        assert log.has_changed(second.boundary, after=second.head)


def told(history: Iterable[Event], start: datetime = NINE, at: datetime = NOW) -> list[Quota]:
    log, command = Log(history), AskAllowance("L1", ASHA.user_id, start, at)
    decided = log.decide(ASK_ALLOWANCE, command)
    assert decided.events == ()
    return list(allowance_of(command, fold(ASK_ALLOWANCE, log.read(decided.boundary))).quotas)


def test_what_is_left_is_told_before_and_not_only_in_the_refusal() -> None:
    rules = ruled(day_bookings=2, day_minutes=240, week_minutes=600, live_bookings=3)
    history = (*OPEN, rules, taken(1, NINE - 3 * HOUR), taken(2, NINE + 2 * DAY), held(seat_id="S2"))
    assert [(quota.name, quota.limit, quota.used, quota.left) for quota in told(history)] == [
        ("day-bookings", 2, 2, 0),
        ("day-minutes", 240, 180, 60),
        ("week-minutes", 600, 240, 360),
        ("live-bookings", 3, 3, 0),
    ]
    assert told(OPEN) == []
    fewer = (*history, ruled(live_bookings=1))
    assert [(quota.used, quota.left) for quota in told(fewer)] == [(3, 0)]


def test_there_is_nothing_left_in_a_library_that_is_not_there() -> None:
    with pytest.raises(LibraryUnknown):
        told(())
    with pytest.raises(LibraryRetired):
        told((*OPEN, LibraryDeleted(library_id="L1")))
