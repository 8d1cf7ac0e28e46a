"""Rule 19: a series is booked as a whole, or with days left out, each day as if it were booked alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyspot.domain.booking_changes import CANCEL_BOOKING, CancelBooking
from studyspot.domain.events import BookingCancelled, BookingCreated, Event, HoldLapsed, HoldPlaced, Plan
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    LibraryClosed,
    LibraryUnknown,
    NotYourLibrary,
    PlanRequired,
    QuotaExhausted,
    SeatTaken,
    SeatUnknown,
    SeriesConflict,
    SeriesTooLong,
    SeriesWithoutDates,
    StartInThePast,
    StudentBusy,
    StudentRequired,
    WallTimeAmbiguous,
    WallTimeSkipped,
)
from studyspot.domain.series import BOOK_SERIES, MOST_DATES, BookSeries, Names, Pattern
from tests.domain.given import (
    ASHA,
    DAY,
    HOUR,
    NOW,
    OPEN,
    OTHER_OWNER,
    OWNER,
    RAVI,
    SEAT,
    booked,
    closed,
    held,
    instant,
    library_in,
    priced,
    ruled,
    when,
)

KOLKATA = "Asia/Kolkata"
MONTHLY = Plan(id="monthly", unit="month", amount_minor=100_000)
MORNING = Plan(id="morning", unit="shift", shift="morning", amount_minor=7_500)


def pattern(first: str, last: str, begins: str = "06:00", ends: str = "12:00", **more: Any) -> Pattern:
    return Pattern(
        date.fromisoformat(first),
        date.fromisoformat(last),
        time.fromisoformat(begins),
        time.fromisoformat(ends),
        **more,
    )


def series(of: Pattern, by: Actor = ASHA, *, skip: bool = False, **changes: Any) -> BookSeries:
    names = tuple(Names(f"B{number}", f"o{number}") for number in range(1, MOST_DATES + 1))
    wanted = BookSeries("series-1", "L1", "S1", None, of, None, skip, names, by, NOW)
    return replace(wanted, **changes)


def bookings(events: tuple[Event, ...]) -> list[BookingCreated]:
    return [event for event in events if isinstance(event, BookingCreated)]


def conflicts(of: pytest.ExceptionInfo[SeriesConflict]) -> dict[str, type]:
    return {one.day.isoformat(): type(one.refusal) for one in of.value.conflicts}


def test_every_day_is_booked_by_the_librarys_clock() -> None:
    made = bookings(when(BOOK_SERIES, OPEN, series(pattern("2026-12-02", "2026-12-04"))))
    assert [booking.start for booking in made] == [
        instant(f"2026-12-0{day}T06:00", KOLKATA) for day in (2, 3, 4)
    ]
    assert {booking.end - booking.start for booking in made} == {6 * HOUR}
    assert {booking.series_id for booking in made} == {"series-1"}
    assert len({(booking.booking_id, booking.occupation) for booking in made}) == 3


def test_only_the_weekdays_that_are_asked_for_and_not_what_is_left_out() -> None:
    of = pattern(
        "2026-12-02",
        "2026-12-20",
        weekdays=("monday", "friday"),
        leave_out=(date(2026, 12, 11),),
    )
    made = bookings(when(BOOK_SERIES, OPEN, series(of)))
    local = [booking.start.astimezone(UTC).date().isoformat() for booking in made]
    assert local == ["2026-12-04", "2026-12-07", "2026-12-14", "2026-12-18"]


def test_a_night_ends_on_the_next_day() -> None:
    (made,) = bookings(when(BOOK_SERIES, OPEN, series(pattern("2026-12-02", "2026-12-02", "23:00", "06:00"))))
    assert made.end == instant("2026-12-03T06:00", KOLKATA)


def test_one_day_that_is_taken_refuses_all_of_it_and_every_such_day_is_named() -> None:
    rivals = [
        booked(RAVI, booking_id=f"R{day}", occupation=f"r{day}", start=start, end=start + HOUR)
        for day in (3, 5)
        for start in [instant(f"2026-12-0{day}T07:00", KOLKATA)]
    ]
    with pytest.raises(SeriesConflict) as refused:
        when(BOOK_SERIES, (*OPEN, *rivals), series(pattern("2026-12-02", "2026-12-06")))
    assert conflicts(refused) == {"2026-12-03": SeatTaken, "2026-12-05": SeatTaken}


def test_a_monthly_plan_over_a_closed_day_leaves_that_day_out_and_does_not_charge_it() -> None:
    day_off = instant("2026-12-25T00:00", KOLKATA)
    given = (*OPEN, priced(MONTHLY), closed(day_off, day_off + DAY))
    month = pattern("2026-12-02", "2027-01-01")
    with pytest.raises(SeriesConflict) as refused:
        when(BOOK_SERIES, given, series(month))
    assert conflicts(refused) == {"2026-12-25": LibraryClosed}
    made = bookings(when(BOOK_SERIES, given, series(month, skip=True)))
    assert len(made) == 30
    assert "2026-12-25" not in {booking.start.date().isoformat() for booking in made}
    whole = bookings(when(BOOK_SERIES, (*OPEN, priced(MONTHLY)), series(month)))
    assert sum(booking.amount_minor for booking in whole) == 100_000
    assert {booking.amount_minor for booking in whole} <= {100_000 // 31, 100_000 // 31 + 1}
    assert 100_000 - sum(booking.amount_minor for booking in made) in {3_225, 3_226}
    assert {booking.plan_id for booking in made} == {"monthly"}


def test_a_day_of_a_month_costs_its_share_however_the_others_are_dropped() -> None:
    made = bookings(when(BOOK_SERIES, (*OPEN, priced(MONTHLY)), series(pattern("2026-12-02", "2026-12-31"))))
    kept = 0
    for booking in made[1:]:
        cancel = CancelBooking(booking.booking_id, None, ASHA, NOW)
        (cancelled, *refunds) = when(CANCEL_BOOKING, (*OPEN, *made), cancel)
        assert isinstance(cancelled, BookingCancelled)
        assert (cancelled.late, refunds) == (False, [])
        kept += cancelled.kept_minor
    assert kept + made[0].amount_minor == 100_000


def test_days_that_the_student_has_made_impossible_are_paid() -> None:
    starts = [instant(f"2026-12-{day:02}T07:00", KOLKATA) for day in range(3, 32)]
    own = [
        booked(ASHA, booking_id=f"A{number}", occupation=f"a{number}", seat_id=seat, start=at, end=at + HOUR)
        for number, at in enumerate(starts)
        for seat in [("S1", "S2")[number % 2]]
    ]
    month = series(pattern("2026-12-02", "2026-12-31"), skip=True)
    (only_day,) = bookings(when(BOOK_SERIES, (*OPEN, priced(MONTHLY), *own), month))
    assert (only_day.amount_minor, only_day.plan_share) == (100_000, True)


def test_five_weeks_of_a_monthly_plan_are_two_months() -> None:
    made = bookings(when(BOOK_SERIES, (*OPEN, priced(MONTHLY)), series(pattern("2026-12-02", "2027-01-05"))))
    assert sum(booking.amount_minor for booking in made) == 200_000


def test_a_plan_by_the_shift_charges_every_day_its_own() -> None:
    made = bookings(when(BOOK_SERIES, (*OPEN, priced(MORNING)), series(pattern("2026-12-02", "2026-12-04"))))
    assert [booking.amount_minor for booking in made] == [7_500] * 3


def test_with_several_plans_the_student_says_which() -> None:
    given = (*OPEN, priced(MORNING, MONTHLY))
    with pytest.raises(PlanRequired):
        when(BOOK_SERIES, given, series(pattern("2026-12-02", "2026-12-04"), skip=True))
    made = bookings(when(BOOK_SERIES, given, series(pattern("2026-12-02", "2026-12-04"), plan_id="monthly")))
    assert sum(booking.amount_minor for booking in made) == 100_000


def test_quotas_count_the_days_before_in_the_same_series() -> None:
    given = (*OPEN, ruled(week_bookings=2))
    of = pattern("2026-12-07", "2026-12-20")
    with pytest.raises(SeriesConflict) as refused:
        when(BOOK_SERIES, given, series(of))
    assert set(conflicts(refused).values()) == {QuotaExhausted}
    made = bookings(when(BOOK_SERIES, given, series(of, skip=True)))
    assert [booking.start.date().isoformat() for booking in made] == [
        *("2026-12-07", "2026-12-08"),
        *("2026-12-14", "2026-12-15"),
    ]


def test_two_nights_that_overlap_with_a_buffer_are_not_both_booked() -> None:
    given = (*OPEN, ruled(buffer_minutes=120))
    with pytest.raises(SeriesConflict) as refused:
        when(BOOK_SERIES, given, series(pattern("2026-12-02", "2026-12-03", "07:00", "06:00")))
    assert conflicts(refused) == {"2026-12-03": SeatTaken}


def test_what_the_student_has_elsewhere_is_in_the_way() -> None:
    start = instant("2026-12-03T08:00", KOLKATA)
    other = booked(seat_id="S9", library_id="L9", start=start, end=start + HOUR)
    with pytest.raises(SeriesConflict) as refused:
        when(BOOK_SERIES, (*OPEN, other), series(pattern("2026-12-02", "2026-12-04")))
    assert conflicts(refused) == {"2026-12-03": StudentBusy}


def test_days_that_cannot_be_had_at_all_are_no_series() -> None:
    with pytest.raises(SeriesConflict):
        when(BOOK_SERIES, (*OPEN, closed(NOW)), series(pattern("2026-12-02", "2026-12-04"), skip=True))


def test_a_day_that_has_begun_is_skipped() -> None:
    of = pattern("2026-11-30", "2026-12-02")
    with pytest.raises(SeriesConflict) as refused:
        when(BOOK_SERIES, OPEN, series(of))
    assert conflicts(refused) == {"2026-11-30": StartInThePast, "2026-12-01": StartInThePast}
    assert len(bookings(when(BOOK_SERIES, OPEN, series(of, skip=True)))) == 1


def test_recurrence_is_by_wall_time_and_duration_by_elapsed_minutes() -> None:
    given = (library_in("Europe/Berlin"), SEAT, priced(Plan(id="hour", unit="hour", amount_minor=600)))
    of = pattern("2027-03-26", "2027-03-29", "01:00", "05:00")
    made = bookings(when(BOOK_SERIES, given, series(of)))
    assert [(booking.end - booking.start) / HOUR for booking in made] == [4, 4, 3, 4]
    assert [booking.amount_minor for booking in made] == [2_400, 2_400, 1_800, 2_400]


@pytest.mark.parametrize(
    ("day", "begins", "refusal"),
    [("2027-03-28", "02:30", WallTimeSkipped), ("2027-10-31", "02:30", WallTimeAmbiguous)],
)
def test_a_day_on_which_the_clock_does_not_show_that_time_once(day: str, begins: str, refusal: type) -> None:
    given = (library_in("Europe/Berlin"), SEAT)
    before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    of = pattern(before, day, begins, "06:00")
    with pytest.raises(SeriesConflict) as refused:
        when(BOOK_SERIES, given, series(of))
    assert conflicts(refused) == {day: refusal}
    assert len(bookings(when(BOOK_SERIES, given, series(of, skip=True)))) == 1


def test_a_series_is_bounded() -> None:
    with pytest.raises(SeriesTooLong):
        when(BOOK_SERIES, OPEN, series(pattern("2026-12-02", "2027-03-12")))
    with pytest.raises(SeriesTooLong):
        when(BOOK_SERIES, OPEN, series(pattern("2026-12-02", "9999-12-31", weekdays=("monday",))))
    assert len(bookings(when(BOOK_SERIES, OPEN, series(pattern("2026-12-02", "2027-03-11"))))) == MOST_DATES
    for nothing in (
        pattern("2026-12-02", "2026-12-01"),
        pattern("2026-12-02", "2026-12-02", weekdays=("monday",)),
    ):
        with pytest.raises(SeriesWithoutDates):
            when(BOOK_SERIES, OPEN, series(nothing, skip=True))


def test_what_is_so_on_every_day_is_refused_as_it_is() -> None:
    days = pattern("2026-12-02", "2026-12-04")
    with pytest.raises(LibraryUnknown):
        when(BOOK_SERIES, (), series(days, skip=True))
    with pytest.raises(SeatUnknown):
        when(BOOK_SERIES, OPEN, series(days, skip=True, seat_id="S9"))
    with pytest.raises(NotYourLibrary):
        when(BOOK_SERIES, OPEN, series(days, OTHER_OWNER, skip=True, user_id="asha"))
    with pytest.raises(StudentRequired):
        when(BOOK_SERIES, OPEN, series(days, OWNER, skip=True))


def test_the_library_books_a_series_for_a_student() -> None:
    made = bookings(
        when(BOOK_SERIES, OPEN, series(pattern("2026-12-02", "2026-12-03"), OWNER, user_id="asha"))
    )
    assert {booking.user_id for booking in made} == {"asha"}


def test_a_lapse_that_several_days_rely_on_is_appended_once() -> None:
    start = instant("2026-12-02T23:00", KOLKATA)
    lapsed = held(RAVI, start=start, end=start + 12 * HOUR, until=NOW - HOUR)
    events = when(BOOK_SERIES, (*OPEN, lapsed), series(pattern("2026-12-02", "2026-12-03", "22:00", "21:00")))
    assert sum(isinstance(event, HoldLapsed) for event in events) == 1
    assert len(bookings(events)) == 2


def test_what_one_holds_already_becomes_its_days_booking() -> None:
    start = instant("2026-12-03T06:00", KOLKATA)
    own: HoldPlaced = held(start=start, end=start + 6 * HOUR)
    made = bookings(when(BOOK_SERIES, (*OPEN, own), series(pattern("2026-12-02", "2026-12-04"))))
    assert [booking.hold_id for booking in made] == [None, own.hold_id, None]


@given(
    taken=st.sets(st.integers(0, 13), max_size=10),
    weekdays=st.sets(st.sampled_from(["monday", "wednesday", "saturday"]), min_size=1),
    amount=st.integers(0, 10_000),
)
def test_what_is_skipped_is_exactly_what_is_taken(taken: set[int], weekdays: set[Any], amount: int) -> None:
    first = datetime(2026, 12, 7, tzinfo=UTC)
    rivals = [
        booked(RAVI, booking_id=f"R{day}", occupation=f"r{day}", start=start, end=start + HOUR)
        for day in sorted(taken)
        for start in [first + timedelta(days=day, hours=2)]
    ]
    plan = Plan(id="weekly", unit="week", amount_minor=amount)
    of = pattern("2026-12-07", "2026-12-20", weekdays=tuple(weekdays))
    wanted = set(of.dates())
    free = {day for day in wanted if (day - first.date()).days not in taken}
    given_events: tuple[Event, ...] = (*OPEN, priced(plan), *rivals)
    if not free:
        with pytest.raises(SeriesConflict):
            when(BOOK_SERIES, given_events, series(of, skip=True))
        return
    made = bookings(when(BOOK_SERIES, given_events, series(of, skip=True)))
    assert {booking.start.date() for booking in made} == free
    if free == wanted:
        weeks = 1 if (max(wanted) - min(wanted)).days < 7 else 2
        assert sum(booking.amount_minor for booking in made) == weeks * amount
