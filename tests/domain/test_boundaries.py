"""The last instant and the last seat that a rule allows, and the first that it refuses."""

from datetime import UTC, datetime, timedelta

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.events import BookingCreated, ClosureAnnounced, LibraryUpdated, Plan
from studyspot.domain.libraries import UPDATE_LIBRARY, UpdateLibrary
from studyspot.domain.refusals import (
    BeyondHorizon,
    BookingTooLong,
    BookingTooShort,
    LibraryClosed,
    LibraryFull,
    NoPlanApplies,
    SeatTaken,
    StartInThePast,
    StudentBusy,
)
from studyspot.domain.seats import ADD_SEATS, AddSeats, NewSeat
from studyspot.domain.tags import seat_days, student_weeks
from tests.domain.given import (
    ASHA,
    ELEVEN,
    LIBRARY,
    NINE,
    NOON,
    NOW,
    OTHER_SEAT,
    OWNER,
    RAVI,
    SEAT,
    TEN,
    book,
    booked,
    priced,
    when,
)

OPEN = (LIBRARY, SEAT)
INSTANT = timedelta(microseconds=1)
IN_BERLIN = LibraryUpdated(library_id="L1", name="Saraswati", city="Berlin", time_zone="Europe/Berlin")


def closed(start: datetime, end: datetime | None) -> ClosureAnnounced:
    return ClosureAnnounced(library_id="L1", closure_id="c", start=start, end=end)


def new_seats(count: int) -> tuple[NewSeat, ...]:
    return tuple(NewSeat(f"new-{number}", f"N{number}", "general", {}) for number in range(count))


@pytest.mark.parametrize("closure", [closed(NOW, NINE), closed(ELEVEN, NOON), closed(ELEVEN, None)])
def test_a_closure_that_only_touches_the_booking_leaves_it_be(closure: ClosureAnnounced) -> None:
    assert when(BOOK_SEAT, (*OPEN, closure), book(start=NINE, end=ELEVEN))


@pytest.mark.parametrize(
    "closure",
    [
        closed(NOW, NINE + INSTANT),
        closed(ELEVEN - INSTANT, NOON),
        closed(ELEVEN - INSTANT, None),
        closed(TEN, TEN + INSTANT),
        closed(NOW, None),
    ],
)
def test_a_closure_of_any_instant_of_the_booking_refuses_it(closure: ClosureAnnounced) -> None:
    with pytest.raises(LibraryClosed):
        when(BOOK_SEAT, (*OPEN, closure), book(start=NINE, end=ELEVEN))


@pytest.mark.parametrize(
    ("lasts", "closes"),
    [
        (timedelta(minutes=20), timedelta(minutes=20)),
        (timedelta(minutes=30), timedelta(minutes=30)),
        (timedelta(minutes=31), timedelta(minutes=30)),
    ],
)
def test_check_in_closes_no_later_than_the_booking_ends(lasts: timedelta, closes: timedelta) -> None:
    (created,) = when(BOOK_SEAT, OPEN, book(start=NINE, end=NINE + lasts))
    assert isinstance(created, BookingCreated)
    assert created.check_in_until == NINE + closes


def test_a_walk_in_checks_in_until_its_end_though_it_was_booked_late() -> None:
    (created,) = when(
        BOOK_SEAT, OPEN, book(at=TEN, start=TEN - timedelta(minutes=5), end=TEN + timedelta(minutes=25))
    )
    assert isinstance(created, BookingCreated)
    assert created.check_in_until == TEN + timedelta(minutes=25)


def test_a_booking_starts_at_most_five_minutes_ago() -> None:
    earliest = NOW - timedelta(minutes=5)
    assert when(BOOK_SEAT, OPEN, book(start=earliest))
    with pytest.raises(StartInThePast):
        when(BOOK_SEAT, OPEN, book(start=earliest - INSTANT))


def test_a_booking_of_a_start_gone_by_ends_after_now() -> None:
    start = NOW - timedelta(minutes=3)
    assert when(BOOK_SEAT, OPEN, book(start=start, end=NOW + INSTANT))
    with pytest.raises(StartInThePast):
        when(BOOK_SEAT, OPEN, book(start=start, end=NOW))


def test_a_booking_lasts_at_least_a_minute() -> None:
    shortest = NINE + timedelta(minutes=1)
    assert when(BOOK_SEAT, OPEN, book(start=NINE, end=shortest))
    with pytest.raises(BookingTooShort):
        when(BOOK_SEAT, OPEN, book(start=NINE, end=shortest - INSTANT))


def test_a_booking_lasts_at_most_a_hundred_days() -> None:
    longest = NINE + timedelta(days=100)
    assert when(BOOK_SEAT, OPEN, book(start=NINE, end=longest))
    with pytest.raises(BookingTooLong):
        when(BOOK_SEAT, OPEN, book(start=NINE, end=longest + INSTANT))


def test_a_booking_ends_at_most_366_days_from_now() -> None:
    latest = NOW + timedelta(days=366)
    start = latest - timedelta(hours=1)
    assert when(BOOK_SEAT, OPEN, book(start=start, end=latest))
    with pytest.raises(BeyondHorizon):
        when(BOOK_SEAT, OPEN, book(start=start, end=latest + INSTANT))


def test_one_instant_in_common_is_an_overlap() -> None:
    with pytest.raises(SeatTaken):
        when(BOOK_SEAT, (*OPEN, booked(RAVI, end=TEN + INSTANT)), book(start=TEN, end=ELEVEN))
    with pytest.raises(SeatTaken):
        when(BOOK_SEAT, (*OPEN, booked(RAVI, start=ELEVEN - INSTANT, end=NOON)), book(start=TEN, end=ELEVEN))
    elsewhere = booked(ASHA, library_id="L2", seat_id="S9", end=TEN + INSTANT)
    with pytest.raises(StudentBusy):
        when(BOOK_SEAT, (*OPEN, elsewhere), book(start=TEN, end=ELEVEN))


def test_the_midnight_that_ends_a_booking_is_of_no_other_day_or_week() -> None:
    # 6 December 2026 is a Sunday.
    sunday, monday = datetime(2026, 12, 6, 22, tzinfo=UTC), datetime(2026, 12, 7, tzinfo=UTC)
    assert seat_days("S1", sunday, monday) == ("seat-day:S1:2026-12-06",)
    assert student_weeks("asha", sunday, monday) == ("student-week:asha:2026-W49",)
    assert seat_days("S1", sunday, monday + INSTANT) == ("seat-day:S1:2026-12-06", "seat-day:S1:2026-12-07")
    assert student_weeks("asha", sunday, monday + INSTANT) == (
        "student-week:asha:2026-W49",
        "student-week:asha:2026-W50",
    )


def test_five_thousand_seats_include_those_already_there() -> None:
    there = (LIBRARY, SEAT, OTHER_SEAT)
    assert len(when(ADD_SEATS, there, AddSeats("L1", new_seats(4_998), OWNER))) == 4_998
    with pytest.raises(LibraryFull):
        when(ADD_SEATS, there, AddSeats("L1", new_seats(4_999), OWNER))
    assert len(when(ADD_SEATS, (LIBRARY,), AddSeats("L1", new_seats(5_000), OWNER))) == 5_000


def test_a_changed_time_zone_changes_which_shift_a_booking_is() -> None:
    morning = priced(Plan(id="morning", unit="shift", shift="morning", amount_minor=12000))
    in_kolkata = book(start=NINE.replace(hour=0, minute=30), end=NINE.replace(hour=6, minute=30))
    in_berlin = book(start=NINE.replace(hour=5), end=NINE.replace(hour=11))
    before, after = (*OPEN, morning), (*OPEN, morning, IN_BERLIN)

    assert when(BOOK_SEAT, before, in_kolkata)
    with pytest.raises(NoPlanApplies):
        when(BOOK_SEAT, before, in_berlin)

    assert when(BOOK_SEAT, after, in_berlin)
    with pytest.raises(NoPlanApplies):
        when(BOOK_SEAT, after, in_kolkata)


def test_an_update_starts_from_the_one_before() -> None:
    (updated,) = when(UPDATE_LIBRARY, (LIBRARY, IN_BERLIN), UpdateLibrary("L1", {"city": "Potsdam"}, OWNER))
    assert isinstance(updated, LibraryUpdated)
    assert (updated.city, updated.time_zone) == ("Potsdam", "Europe/Berlin")
    assert when(UPDATE_LIBRARY, (LIBRARY, IN_BERLIN), UpdateLibrary("L1", {"city": "Berlin"}, OWNER)) == ()
    assert when(UPDATE_LIBRARY, (LIBRARY, IN_BERLIN), UpdateLibrary("L1", {"city": "Pune"}, OWNER))
