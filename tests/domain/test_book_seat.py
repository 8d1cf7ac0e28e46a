"""Rules 1, 2, 6 (deadlines), 18 and 20: what may be booked, by whom, for how much."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    LibraryDeleted,
    Plan,
    SeatAvailabilityChanged,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    BeyondHorizon,
    BookingTooLong,
    BookingTooShort,
    EndNotAfterStart,
    LibraryClosed,
    LibraryRetired,
    LibraryUnknown,
    NoPlanApplies,
    NotForOthers,
    NotYourLibrary,
    PlanNotApplicable,
    PlanRequired,
    Refusal,
    SeatOutOfService,
    SeatTaken,
    SeatUnknown,
    StartInThePast,
    StudentBusy,
    StudentRequired,
)
from studyspot.domain.tags import seat_days, student_weeks
from tests.domain.given import (
    ASHA,
    ELEVEN,
    LIBRARY,
    NINE,
    NOON,
    NOW,
    OTHER_OWNER,
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

OPEN = (LIBRARY, SEAT, OTHER_SEAT)
HOURLY = Plan(id="hourly", unit="hour", amount_minor=5000)
DAILY = Plan(id="daily", unit="day", amount_minor=20000)
QUIET = Plan(id="quiet", unit="hour", amount_minor=7000, zone="quiet")
MORNING = Plan(id="morning", unit="shift", shift="morning", amount_minor=12000)


def closed(start: datetime, end: datetime | None) -> ClosureAnnounced:
    return ClosureAnnounced(library_id="L1", closure_id="c", start=start, end=end)


def test_the_first_booking_needs_only_a_library_and_a_seat() -> None:
    (created,) = when(BOOK_SEAT, OPEN, book())
    assert isinstance(created, BookingCreated)
    assert (created.user_id, created.status, created.amount_minor) == (ASHA.user_id, "confirmed", 0)
    assert (created.start, created.end) == (NINE, ELEVEN)


def test_back_to_back_bookings_are_legal() -> None:
    before = booked(RAVI, end=TEN)
    after = booked(RAVI, booking_id="B9", start=ELEVEN, end=NOON)
    assert when(BOOK_SEAT, (*OPEN, before, after), book(start=TEN, end=ELEVEN))


@pytest.mark.parametrize(
    ("start", "end"),
    [(NINE, ELEVEN), (TEN, NOON), (NINE - timedelta(hours=1), NOON), (TEN, TEN + timedelta(minutes=1))],
)
def test_an_overlap_on_the_seat_is_refused(start: datetime, end: datetime) -> None:
    with pytest.raises(SeatTaken) as refused:
        when(BOOK_SEAT, (*OPEN, booked(RAVI)), book(start=start, end=end))
    assert (refused.value.start, refused.value.end) == (NINE, ELEVEN)


def test_a_student_cannot_be_in_two_libraries_at_once() -> None:
    elsewhere = booked(ASHA, library_id="L2", seat_id="S9")
    with pytest.raises(StudentBusy):
        when(BOOK_SEAT, (*OPEN, elsewhere), book())


STANDING = booked(ASHA)


@pytest.mark.parametrize(
    "ended", [BookingCancelled(**STANDING.facts(), late=False), BookingCheckedOut(**STANDING.facts())]
)
def test_a_booking_that_ended_frees_seat_and_student(ended: Event) -> None:
    assert when(BOOK_SEAT, (*OPEN, STANDING, ended), book())


def test_a_student_who_has_checked_in_still_occupies_the_seat() -> None:
    standing = booked(RAVI)
    with pytest.raises(SeatTaken):
        when(BOOK_SEAT, (*OPEN, standing, BookingCheckedIn(**standing.facts())), book())


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"end": NINE}, EndNotAfterStart),
        ({"end": NINE - timedelta(hours=1)}, EndNotAfterStart),
        ({"start": NOW - timedelta(minutes=6)}, StartInThePast),
        ({"start": NOW - timedelta(minutes=4), "end": NOW}, StartInThePast),
        ({"end": NINE + timedelta(seconds=59)}, BookingTooShort),
        ({"end": NINE + timedelta(days=100, seconds=1)}, BookingTooLong),
        ({"start": NOW + timedelta(days=366), "end": NOW + timedelta(days=366, hours=1)}, BeyondHorizon),
    ],
)
def test_an_interval_outside_the_bounds_is_refused(changes: dict[str, Any], refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        when(BOOK_SEAT, OPEN, book(**changes))


def test_a_walk_in_of_five_minutes_ago_is_now() -> None:
    assert when(BOOK_SEAT, OPEN, book(start=NOW - timedelta(minutes=5)))


@pytest.mark.parametrize(
    ("given_events", "refusal"),
    [
        ((SEAT,), LibraryUnknown),
        ((LIBRARY,), SeatUnknown),
        ((LIBRARY, SEAT, LibraryDeleted(library_id="L1")), LibraryRetired),
        (
            (LIBRARY, SEAT, SeatAvailabilityChanged(library_id="L1", seat_id="S1", in_service=False)),
            SeatOutOfService,
        ),
        ((LIBRARY, SEAT, ClosureAnnounced(library_id="L1", closure_id="c", start=TEN)), LibraryClosed),
        (
            (LIBRARY, SEAT, ClosureAnnounced(library_id="L1", closure_id="c", start=NOW, end=TEN)),
            LibraryClosed,
        ),
    ],
)
def test_a_library_that_cannot_take_the_booking_refuses(
    given_events: tuple[Event, ...], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        when(BOOK_SEAT, given_events, book())


def test_a_withdrawn_closure_and_a_mended_seat_take_bookings_again() -> None:
    withdrawn = ClosureWithdrawn(library_id="L1", closure_id="c")
    out = SeatAvailabilityChanged(library_id="L1", seat_id="S1", in_service=False)
    back = SeatAvailabilityChanged(library_id="L1", seat_id="S1", in_service=True)
    assert when(BOOK_SEAT, (*OPEN, closed(NOW, None), out, withdrawn, back), book())


def test_a_student_books_for_nobody_else() -> None:
    with pytest.raises(NotForOthers):
        when(BOOK_SEAT, OPEN, book(ASHA, user_id=RAVI.user_id))


def test_an_owner_books_for_a_student_of_their_own_library() -> None:
    (created,) = when(BOOK_SEAT, OPEN, book(OWNER, user_id=RAVI.user_id))
    assert isinstance(created, BookingCreated)
    assert created.user_id == RAVI.user_id
    with pytest.raises(StudentRequired):
        when(BOOK_SEAT, OPEN, book(OWNER))
    with pytest.raises(NotYourLibrary):
        when(BOOK_SEAT, OPEN, book(OTHER_OWNER, user_id=RAVI.user_id))


def test_where_a_student_is_busy_is_told_to_the_student_alone() -> None:
    elsewhere = booked(ASHA, library_id="L2", seat_id="S9")
    with pytest.raises(StudentBusy) as told:
        when(BOOK_SEAT, (*OPEN, elsewhere), book(ASHA))
    assert told.value.booking_id == elsewhere.booking_id
    with pytest.raises(StudentBusy) as hidden:
        when(BOOK_SEAT, (*OPEN, elsewhere), book(OWNER, user_id=ASHA.user_id))
    assert hidden.value.booking_id is None


def test_the_only_plan_that_applies_is_taken_by_elapsed_minutes() -> None:
    (created,) = when(BOOK_SEAT, (*OPEN, priced(HOURLY)), book(end=NINE + timedelta(minutes=90)))
    assert isinstance(created, BookingCreated)
    assert (created.amount_minor, created.plan_id, created.price_version) == (7500, "hourly", 1)


def test_with_several_plans_the_student_says_which() -> None:
    prices = priced(HOURLY, DAILY)
    with pytest.raises(PlanRequired) as refused:
        when(BOOK_SEAT, (*OPEN, prices), book())
    assert set(refused.value.plan_ids) == {"hourly", "daily"}
    (created,) = when(BOOK_SEAT, (*OPEN, prices), book(plan_id="daily"))
    assert isinstance(created, BookingCreated)
    assert created.amount_minor == 20000


def test_a_plan_for_another_zone_or_shift_does_not_apply() -> None:
    with pytest.raises(NoPlanApplies):
        when(BOOK_SEAT, (*OPEN, priced(QUIET)), book())
    with pytest.raises(PlanNotApplicable):
        when(BOOK_SEAT, (*OPEN, priced(HOURLY, MORNING)), book(plan_id="morning"))
    # 00:30 UTC is 06:00 in Kolkata.
    start = NINE.replace(hour=0, minute=30)
    (created,) = when(BOOK_SEAT, (*OPEN, priced(MORNING)), book(start=start, end=start + timedelta(hours=6)))
    assert isinstance(created, BookingCreated)
    assert created.amount_minor == 12000


def test_the_deadlines_of_a_booking_are_those_of_its_moment() -> None:
    (ahead,) = when(BOOK_SEAT, OPEN, book())
    assert isinstance(ahead, BookingCreated)
    assert (ahead.check_in_from, ahead.check_in_until) == (
        NINE - timedelta(minutes=15),
        NINE + timedelta(minutes=30),
    )
    assert ahead.free_cancel_until == NINE - timedelta(hours=1)
    (walk_in,) = when(BOOK_SEAT, OPEN, book(at=TEN, start=TEN - timedelta(minutes=5), end=NOON))
    assert isinstance(walk_in, BookingCreated)
    assert walk_in.check_in_until == TEN + timedelta(minutes=30)


MINUTES = st.integers(min_value=0, max_value=4 * 24 * 60)


@given(st.tuples(MINUTES, MINUTES), st.tuples(MINUTES, MINUTES))
def test_intervals_that_overlap_share_a_tag(one: tuple[int, int], other: tuple[int, int]) -> None:
    (a, b), (c, d) = sorted(one), sorted(other)
    first = (NOW + timedelta(minutes=a), NOW + timedelta(minutes=b + 1))
    second = (NOW + timedelta(minutes=c), NOW + timedelta(minutes=d + 1))
    if first[0] < second[1] and second[0] < first[1]:
        assert set(seat_days("S", *first)) & set(seat_days("S", *second))
        assert set(student_weeks("u", *first)) & set(student_weeks("u", *second))


@given(
    st.lists(
        st.tuples(st.sampled_from(["S1", "S2"]), st.sampled_from([ASHA, RAVI]), MINUTES, MINUTES), max_size=12
    )
)
def test_no_sequence_of_commands_leaves_an_overlap(wishes: list[tuple[str, Actor, int, int]]) -> None:
    log: list[Event] = list(OPEN)
    for number, (seat, actor, a, b) in enumerate(wishes):
        start, end = NOW + timedelta(minutes=min(a, b)), NOW + timedelta(minutes=max(a, b) + 1)
        command = book(actor, booking_id=f"B{number}", seat_id=seat, start=start, end=end)
        try:
            log += when(BOOK_SEAT, log, command)
        except (SeatTaken, StudentBusy):
            continue
    standing = [event for event in log if isinstance(event, BookingCreated)]
    for one in standing:
        for other in standing:
            together = one.start < other.end and other.start < one.end and one is not other
            assert not (together and (one.seat_id == other.seat_id or one.user_id == other.user_id))
