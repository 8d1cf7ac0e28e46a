"""Rules 1 and 2: nothing overlaps on a seat, its buffer included, nor for a student in whatever library."""

from datetime import timedelta

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.events import BookingCreated, Plan
from studyspot.domain.holds import PLACE_HOLD
from studyspot.domain.refusals import SeatTaken, StudentBusy, StudentHolding
from tests.domain.given import (
    ASHA,
    DAY,
    ELEVEN,
    HOUR,
    INSTANT,
    MINUTE,
    NINE,
    NOON,
    OPEN,
    OWNER,
    RAVI,
    TEN,
    book,
    booked,
    held,
    hold,
    only,
    priced,
    ruled,
    when,
)
from tests.domain.log import Log

BUFFERED = booked(RAVI, occupied_until=ELEVEN + 10 * MINUTE)
MIDNIGHT = NINE.replace(hour=0) + DAY


def test_a_buffer_extends_what_is_occupied_and_not_the_price() -> None:
    hourly = priced(Plan(id="hourly", unit="hour", amount_minor=5000))
    created = only(BookingCreated, when(BOOK_SEAT, (*OPEN, hourly, ruled(buffer_minutes=15)), book()))
    assert (created.end, created.occupied_until) == (ELEVEN, ELEVEN + 15 * MINUTE)
    assert created.amount_minor == 10000


def test_a_buffer_that_was_promised_is_kept_whatever_the_rules_are_now() -> None:
    with pytest.raises(SeatTaken) as refused:
        when(BOOK_SEAT, (*OPEN, BUFFERED), book(start=ELEVEN, end=NOON))
    assert (refused.value.start, refused.value.end) == (NINE, BUFFERED.occupied_until)
    assert when(BOOK_SEAT, (*OPEN, BUFFERED), book(start=BUFFERED.occupied_until, end=NOON))


def test_a_buffer_needs_room_before_the_next_booking() -> None:
    next_one = booked(RAVI, start=ELEVEN, end=NOON)
    history = (*OPEN, ruled(buffer_minutes=10), next_one)
    with pytest.raises(SeatTaken):
        when(BOOK_SEAT, history, book(start=NINE, end=ELEVEN - 10 * MINUTE + INSTANT))
    assert when(BOOK_SEAT, history, book(start=NINE, end=ELEVEN - 10 * MINUTE))


def test_a_buffer_over_midnight_is_found_from_either_day() -> None:
    late = booked(RAVI, start=MIDNIGHT - HOUR, end=MIDNIGHT, occupied_until=MIDNIGHT + 10 * MINUTE)
    with pytest.raises(SeatTaken):
        when(BOOK_SEAT, (*OPEN, late), book(start=MIDNIGHT + 5 * MINUTE, end=MIDNIGHT + HOUR))
    early = booked(RAVI, start=MIDNIGHT + 5 * MINUTE, end=MIDNIGHT + HOUR)
    with pytest.raises(SeatTaken):
        when(BOOK_SEAT, (*OPEN, ruled(buffer_minutes=10), early), book(start=MIDNIGHT - HOUR, end=MIDNIGHT))


def test_a_student_s_buffers_do_not_overlap_the_student() -> None:
    own = booked(ASHA, seat_id="S2", occupied_until=ELEVEN + 10 * MINUTE)
    assert when(BOOK_SEAT, (*OPEN, own), book(start=ELEVEN, end=NOON))


def test_a_student_is_in_one_library_at_a_time_whoever_books() -> None:
    elsewhere = booked(ASHA, library_id="L2", seat_id="S9")
    held_elsewhere = held(ASHA, library_id="L2", seat_id="S9")
    for by, user_id, told in ((ASHA, None, True), (OWNER, ASHA.user_id, False)):
        with pytest.raises(StudentBusy) as busy:
            when(BOOK_SEAT, (*OPEN, elsewhere), book(by, user_id=user_id, start=TEN, end=NOON))
        assert busy.value.booking_id == (elsewhere.booking_id if told else None)
        with pytest.raises(StudentHolding) as holding:
            when(PLACE_HOLD, (*OPEN, held_elsewhere), hold(by, user_id=user_id, start=TEN, end=NOON))
        assert holding.value.hold_id == (held_elsewhere.hold_id if told else None)


def test_bookings_of_one_student_in_two_libraries_at_once_conflict() -> None:
    log = Log(OPEN)
    here = log.decide(BOOK_SEAT, book())
    log.append((booked(ASHA, library_id="L2", seat_id="S9"),))
    assert log.has_changed(here.boundary, after=here.head)


def test_a_long_booking_is_found_from_each_of_its_days() -> None:
    month = booked(RAVI, start=NINE, end=NINE + 30 * DAY)
    for days in (0, 1, 15, 29):
        with pytest.raises(SeatTaken):
            when(BOOK_SEAT, (*OPEN, month), book(start=TEN + days * DAY, end=ELEVEN + days * DAY))
    assert when(BOOK_SEAT, (*OPEN, month), book(start=NINE + 30 * DAY, end=TEN + 30 * DAY))


def test_a_refusal_tells_when_the_seat_is_next_free_for_as_long() -> None:
    next_one = booked(RAVI, booking_id="B9", start=ELEVEN + 30 * MINUTE, end=NOON)
    for wanted, free_from in ((HOUR, NOON), (30 * MINUTE, ELEVEN)):
        with pytest.raises(SeatTaken) as refused:
            when(BOOK_SEAT, (*OPEN, booked(RAVI), next_one), book(start=NINE, end=NINE + wanted))
        assert refused.value.free_from == free_from


def test_when_a_seat_is_next_free_is_told_only_of_days_that_were_read() -> None:
    evening = booked(RAVI, start=MIDNIGHT - 2 * HOUR, end=MIDNIGHT)
    tomorrow = booked(RAVI, booking_id="B9", start=MIDNIGHT, end=MIDNIGHT + 6 * HOUR)
    for start in (MIDNIGHT - HOUR, MIDNIGHT - 2 * HOUR):
        with pytest.raises(SeatTaken) as refused:
            when(BOOK_SEAT, (*OPEN, evening, tomorrow), book(start=start, end=MIDNIGHT))
        assert refused.value.free_from is None


def test_a_decision_reads_a_seat_s_days_who_waits_then_and_a_student_s_weeks_and_no_more() -> None:
    others = [
        booked(RAVI, booking_id=f"X{day}", start=NINE + day * DAY, end=ELEVEN + day * DAY)
        for day in range(2, 300)
    ]
    elsewhere = [booked(RAVI, booking_id=f"Y{n}", seat_id=f"other-{n}") for n in range(300)]
    log = Log((*OPEN, *others, *elsewhere))
    decided = log.decide(BOOK_SEAT, book())
    assert len(log.read(decided.boundary)) == 2
    assert len(decided.boundary) < 20
    longest = log.decide(BOOK_SEAT, book(seat_id="S2", end=NINE + timedelta(days=100)))
    assert len(longest.boundary) < 250
