"""Rule 5: who has not come when check-in closes gives the seat up, pays, and after three times must wait."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from studyspot.domain.allowance import ASK_ALLOWANCE, AskAllowance, allowance_of
from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.booking_changes import CHECK_IN, CheckIn
from studyspot.domain.endings import COMPLETE_BOOKING, MISS_BOOKING, CompleteBooking, MissBooking
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingCreated,
    BookingNoShow,
    BookingRevoked,
    Event,
)
from studyspot.domain.holds import PLACE_HOLD
from studyspot.domain.people import Actor
from studyspot.domain.refusals import BookingMissed, CheckInWindowMissed, SeatTaken, StudentBlocked
from tests.domain.given import (
    ASHA,
    DAY,
    ELEVEN,
    HOUR,
    INSTANT,
    MINUTE,
    NINE,
    NOON,
    NOW,
    OPEN,
    RAVI,
    book,
    booked,
    hold,
    missed,
    moved,
    paid,
    ruled,
    when,
)
from tests.domain.log import Log, fold

BOOKED = booked(ASHA, amount_minor=10000)
DEADLINE = BOOKED.check_in_until
NO_SHOW = missed(BOOKED)
CHECKED_IN = BookingCheckedIn(**BOOKED.facts())


def strikes(*ago: timedelta, by: Actor = ASHA, library_id: str = "L1") -> tuple[BookingCreated, ...]:
    """Return bookings that were missed that long before now, not swept yet."""
    return tuple(
        booked(
            by,
            booking_id=f"M{number}",
            library_id=library_id,
            seat_id="S2" if library_id == "L1" else "S9",
            start=NOW - before - 30 * MINUTE,
            end=NOW - before + HOUR,
        )
        for number, before in enumerate(ago)
    )


def swept(bookings: tuple[BookingCreated, ...]) -> tuple[Event, ...]:
    return (*bookings, *(missed(booking) for booking in bookings))


def test_a_booking_is_missed_at_its_deadline_once_and_not_before() -> None:
    assert when(MISS_BOOKING, (BOOKED,), MissBooking("B0", DEADLINE - INSTANT)) == ()
    (no_show,) = when(MISS_BOOKING, (BOOKED, paid(BOOKED, 10000)), MissBooking("B0", DEADLINE + HOUR))
    assert no_show == NO_SHOW
    assert isinstance(no_show, BookingNoShow)
    assert (no_show.status, no_show.missed_at) == ("no-show", DEADLINE)


@pytest.mark.parametrize(
    "history",
    [
        (),
        (BOOKED, NO_SHOW),
        (BOOKED, CHECKED_IN),
        (BOOKED, CHECKED_IN, BookingCompleted(**BOOKED.facts())),
        (BOOKED, BookingCancelled(**BOOKED.facts(), late=False)),
        (BOOKED, BookingRevoked(**BOOKED.facts(), reason="library")),
        (BOOKED, moved(BOOKED, start=NINE + DAY, end=ELEVEN + DAY)),
    ],
)
def test_nothing_else_is_missed(history: tuple[Event, ...]) -> None:
    assert when(MISS_BOOKING, history, MissBooking("B0", DEADLINE)) == ()


def test_who_checked_in_completes_when_the_buffer_after_the_end_has_passed() -> None:
    buffered = booked(ASHA, occupied_until=ELEVEN + 10 * MINUTE)
    history = (buffered, BookingCheckedIn(**buffered.facts()))
    assert when(COMPLETE_BOOKING, history, CompleteBooking("B0", ELEVEN + 10 * MINUTE - INSTANT)) == ()
    (completed,) = when(COMPLETE_BOOKING, history, CompleteBooking("B0", ELEVEN + 10 * MINUTE))
    assert isinstance(completed, BookingCompleted)
    assert when(COMPLETE_BOOKING, (*history, completed), CompleteBooking("B0", NOON)) == ()
    assert when(COMPLETE_BOOKING, (buffered,), CompleteBooking("B0", NOON)) == ()


def test_the_rest_of_a_missed_time_is_bookable_and_who_books_it_notes_the_no_show() -> None:
    at_deadline = book(RAVI, start=DEADLINE, end=NOON, at=DEADLINE)
    lapse, created = when(BOOK_SEAT, (*OPEN, BOOKED), at_deadline)
    assert lapse == NO_SHOW
    assert isinstance(created, BookingCreated)
    assert when(BOOK_SEAT, (*OPEN, BOOKED, NO_SHOW), at_deadline) == (created,)
    with pytest.raises(SeatTaken):
        when(BOOK_SEAT, (*OPEN, BOOKED), replace(at_deadline, at=DEADLINE - INSTANT))


def test_a_student_who_missed_one_seat_may_take_another_and_notes_the_no_show() -> None:
    lapse, *_ = when(BOOK_SEAT, (*OPEN, BOOKED), book(seat_id="S2", start=DEADLINE, end=NOON, at=DEADLINE))
    assert lapse == NO_SHOW


def test_a_check_in_after_the_deadline_is_refused_swept_or_not() -> None:
    late = CheckIn("B0", ASHA, DEADLINE, code_verified=True)
    with pytest.raises(CheckInWindowMissed):
        when(CHECK_IN, (BOOKED,), late)
    with pytest.raises(BookingMissed):
        when(CHECK_IN, (BOOKED, NO_SHOW), late)


def test_a_check_in_decided_just_before_the_deadline_loses_to_a_booking_that_relied_on_it() -> None:
    log = Log((*OPEN, BOOKED))
    check_in = CheckIn("B0", ASHA, DEADLINE - INSTANT, code_verified=True)
    own = log.decide(CHECK_IN, check_in)
    assert own.events
    log.run(BOOK_SEAT, book(RAVI, start=DEADLINE, end=NOON, at=DEADLINE))
    assert log.has_changed(own.boundary, after=own.head)
    with pytest.raises(BookingMissed):
        log.decide(CHECK_IN, check_in)


def test_a_booking_that_relied_on_a_no_show_loses_to_a_check_in_that_was_first() -> None:
    log = Log((*OPEN, BOOKED))
    rival = book(RAVI, start=DEADLINE, end=NOON, at=DEADLINE)
    decided = log.decide(BOOK_SEAT, rival)
    log.run(CHECK_IN, CheckIn("B0", ASHA, DEADLINE - INSTANT, code_verified=True))
    assert log.has_changed(decided.boundary, after=decided.head)
    with pytest.raises(SeatTaken):
        log.decide(BOOK_SEAT, rival)


def test_a_booking_beside_a_missed_one_leaves_it_alone() -> None:
    assert len(when(BOOK_SEAT, (*OPEN, BOOKED), book(RAVI, start=ELEVEN, end=NOON, at=DEADLINE))) == 1


def test_a_no_show_that_frees_a_live_booking_is_noted_wherever_it_is() -> None:
    tomorrow = book(start=NINE + 9 * DAY, end=ELEVEN + 9 * DAY, at=DEADLINE)
    lapse, _ = when(BOOK_SEAT, (*OPEN, ruled(live_bookings=1), BOOKED), tomorrow)
    assert lapse == NO_SHOW


@pytest.mark.parametrize("noted", [True, False])
def test_the_third_strike_in_thirty_days_blocks_for_seven_from_it(noted: bool) -> None:
    three = strikes(7 * DAY - INSTANT, 20 * DAY, 36 * DAY)
    history = (*OPEN, *(swept(three) if noted else three))
    with pytest.raises(StudentBlocked) as refused:
        when(BOOK_SEAT, history, book())
    assert refused.value.until == NOW + INSTANT
    with pytest.raises(StudentBlocked):
        when(PLACE_HOLD, history, hold())


@pytest.mark.parametrize(
    "ago",
    [
        (7 * DAY, 20 * DAY, 36 * DAY),  # The block is over.
        (DAY, 20 * DAY, 31 * DAY),  # The first is thirty days before the third.
        (DAY, 20 * DAY),
        (8 * DAY, 9 * DAY, 10 * DAY),
    ],
)
def test_fewer_strikes_or_older_ones_block_nobody(ago: tuple[timedelta, ...]) -> None:
    assert when(BOOK_SEAT, (*OPEN, *strikes(*ago)), book())
    assert when(BOOK_SEAT, (*OPEN, *swept(strikes(*ago))), book())


def test_a_fourth_strike_blocks_anew() -> None:
    with pytest.raises(StudentBlocked) as refused:
        when(BOOK_SEAT, (*OPEN, *strikes(HOUR, 8 * DAY, 9 * DAY, 10 * DAY)), book())
    assert refused.value.until == NOW - HOUR + 7 * DAY


def test_strikes_are_one_student_s_in_one_library() -> None:
    ago = (DAY, 2 * DAY, 3 * DAY)
    assert when(BOOK_SEAT, (*OPEN, *strikes(*ago, by=RAVI)), book())
    assert when(BOOK_SEAT, (*OPEN, *strikes(*ago, library_id="L2")), book())


def test_what_was_attended_cancelled_revoked_or_moved_in_time_is_no_strike() -> None:
    three = strikes(DAY, 2 * DAY, 3 * DAY)
    first = three[0]
    for ended in (
        (BookingCheckedIn(**first.facts()), BookingCheckedOut(**first.facts())),
        (BookingCancelled(**first.facts(), late=True),),
        (BookingRevoked(**first.facts(), reason="closure"),),
        (moved(first, start=NINE + 9 * DAY, end=ELEVEN + 9 * DAY),),
    ):
        assert when(BOOK_SEAT, (*OPEN, *three, *ended), book())
    with pytest.raises(StudentBlocked):
        when(BOOK_SEAT, (*OPEN, *three), book())


def test_a_booking_that_moved_away_and_ended_there_is_no_strike() -> None:
    three = strikes(DAY, 2 * DAY, 3 * DAY)
    away = moved(three[0], start=NOW - 60 * DAY, end=NOW - 60 * DAY + HOUR)
    assert when(BOOK_SEAT, (*OPEN, *three, away), book())


def test_a_library_sets_how_many_strikes_block_for_how_long_or_that_none_do() -> None:
    once = strikes(DAY)
    with pytest.raises(StudentBlocked) as refused:
        when(BOOK_SEAT, (*OPEN, ruled(strikes=1, strike_days=2, block_days=3), *once), book())
    assert refused.value.until == NOW + 2 * DAY
    assert when(BOOK_SEAT, (*OPEN, ruled(strikes=None), *strikes(*[DAY * n for n in range(1, 6)])), book())


@pytest.mark.parametrize("noted", [True, False])
def test_a_strike_at_this_very_instant_counts_though_a_week_begins_with_it(noted: bool) -> None:
    monday = datetime.fromisoformat("2026-12-07T00:00:00Z")
    at_start = booked(
        ASHA, booking_id="M", seat_id="S2", start=monday, end=monday + HOUR, check_in_until=monday
    )
    history = (*OPEN, ruled(strikes=1), at_start, *((missed(at_start),) if noted else ()))
    with pytest.raises(StudentBlocked):
        when(BOOK_SEAT, history, book(start=monday + 2 * HOUR, end=monday + 3 * HOUR, at=monday))


def test_a_strike_for_a_check_in_that_closes_before_the_start_counts_from_the_start() -> None:
    # Check-in closed on Sunday for a booking of Monday, which may have been moved or cancelled since.
    monday = datetime.fromisoformat("2026-12-07T00:30:00Z")
    early = booked(
        ASHA,
        booking_id="M",
        seat_id="S2",
        start=monday,
        end=monday + HOUR,
        check_in_from=monday - 3 * HOUR,
        check_in_until=monday - HOUR,
    )
    history = (*OPEN, ruled(strikes=1), early)
    before, after = monday - 45 * MINUTE, monday
    assert when(BOOK_SEAT, history, book(start=monday - 30 * MINUTE, end=monday - 10 * MINUTE, at=before))
    with pytest.raises(StudentBlocked):
        when(BOOK_SEAT, history, book(start=monday + 2 * HOUR, end=monday + 3 * HOUR, at=after))


def test_what_is_left_before_a_block_is_told_and_then_until_when_it_lasts() -> None:
    def allowance(*history: Event) -> tuple[int, int | None, datetime | None]:
        log, command = Log((*OPEN, *history)), AskAllowance("L1", ASHA.user_id, NINE, NOW)
        decided = log.decide(ASK_ALLOWANCE, command)
        told = allowance_of(command, fold(ASK_ALLOWANCE, log.read(decided.boundary)))
        return told.strikes, told.strikes_allowed, told.blocked_until

    assert allowance() == (0, 3, None)
    assert allowance(*strikes(DAY, 29 * DAY)) == (2, 3, None)
    assert allowance(*strikes(DAY, 30 * DAY)) == (1, 3, None)
    assert allowance(*strikes(DAY, 2 * DAY, 3 * DAY)) == (3, 3, NOW + 6 * DAY)
