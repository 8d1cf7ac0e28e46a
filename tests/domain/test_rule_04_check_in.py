"""Rule 4: check-in is open from 15 minutes before the start until 30 after it, or as the library sets it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.booking_changes import CHECK_IN, CheckIn
from studyspot.domain.events import BookingCheckedIn, BookingCreated
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    BookingTooShort,
    CheckInClosedAlready,
    CheckInTooEarly,
    CheckInWindowMissed,
    DeskCodeRequired,
    DeskCodeWrong,
    Refusal,
)
from tests.domain.given import (
    ASHA,
    ELEVEN,
    HOUR,
    INSTANT,
    LIBRARY,
    MINUTE,
    NINE,
    NOW,
    OPEN,
    OWNER,
    book,
    booked,
    only,
    ruled,
    when,
)

BOOKED = booked(ASHA, booking_id="B1")


def check_in(by: Actor = ASHA, at: datetime = NINE, code_verified: bool | None = True) -> CheckIn:
    return CheckIn("B1", by, at, code_verified)


def made(at: datetime = NOW, start: datetime = NINE, end: datetime = ELEVEN, **rules: Any) -> BookingCreated:
    return only(BookingCreated, when(BOOK_SEAT, (*OPEN, ruled(**rules)), book(start=start, end=end, at=at)))


@pytest.mark.parametrize("at", [NINE - 15 * MINUTE, NINE, NINE + 30 * MINUTE - INSTANT])
def test_check_in_is_open_in_its_window(at: datetime) -> None:
    (checked_in,) = when(CHECK_IN, (BOOKED,), check_in(at=at))
    assert isinstance(checked_in, BookingCheckedIn)
    assert (checked_in.status, checked_in.occupation) == ("checked-in", BOOKED.occupation)


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        (NINE - 15 * MINUTE - INSTANT, CheckInTooEarly),
        (NINE + 30 * MINUTE, CheckInWindowMissed),
        (ELEVEN, CheckInWindowMissed),
    ],
)
@pytest.mark.parametrize("by", [ASHA, OWNER])
def test_check_in_outside_its_window_is_refused_to_everybody(
    at: datetime, refusal: type[Refusal], by: Actor
) -> None:
    with pytest.raises(refusal):
        when(CHECK_IN, (LIBRARY, BOOKED), check_in(by, at=at))


@pytest.mark.parametrize(
    ("opens", "closes", "window"),
    [
        (-15, 30, (-15, 30)),
        (-60, -10, (-60, -10)),  # Confirmed before the start, or given up.
        (0, 5, (0, 5)),
        (5, 10, (5, 10)),
        (-15, 600, (-15, 120)),  # Never beyond the end.
    ],
)
def test_both_offsets_are_signed(opens: int, closes: int, window: tuple[int, int]) -> None:
    created = made(check_in_opens_minutes=opens, check_in_closes_minutes=closes)
    begins, ends = (NINE + timedelta(minutes=minutes) for minutes in window)
    assert (created.check_in_from, created.check_in_until) == (begins, ends)


def test_who_books_late_has_as_long_from_then_but_never_beyond_the_end() -> None:
    start = NOW - 5 * MINUTE
    assert made(start=start, end=NOW + HOUR).check_in_until == NOW + 30 * MINUTE
    assert made(start=start, end=NOW + 20 * MINUTE).check_in_until == NOW + 20 * MINUTE
    assert made(start=NOW, end=NOW + HOUR).check_in_until == NOW + 30 * MINUTE
    assert made(start=NOW + MINUTE, end=NOW + HOUR).check_in_until == NOW + 31 * MINUTE


def test_what_would_be_missed_as_soon_as_it_is_made_is_not_made() -> None:
    for closes in (0, -10):
        with pytest.raises(CheckInClosedAlready):
            made(start=NOW, end=NOW + HOUR, check_in_closes_minutes=closes)
    with pytest.raises(CheckInClosedAlready):
        made(start=NOW + 10 * MINUTE, end=NOW + HOUR, check_in_closes_minutes=-10)
    assert made(start=NOW + 11 * MINUTE, end=NOW + HOUR, check_in_closes_minutes=-10)


def test_a_booking_is_long_enough_for_its_check_in_to_open() -> None:
    rules: dict[str, Any] = {"check_in_opens_minutes": 10, "check_in_closes_minutes": 20}
    for length in (5, 10):
        with pytest.raises(BookingTooShort) as refused:
            made(end=NINE + length * MINUTE, **rules)
        assert refused.value.shortest == 11 * MINUTE
    created = made(end=NINE + 11 * MINUTE, **rules)
    assert created.check_in_from < created.check_in_until


def test_a_student_proves_by_the_desk_s_code_to_be_there() -> None:
    with pytest.raises(DeskCodeRequired):
        when(CHECK_IN, (BOOKED,), check_in(code_verified=None))
    with pytest.raises(DeskCodeWrong):
        when(CHECK_IN, (BOOKED,), check_in(code_verified=False))


@pytest.mark.parametrize("code_verified", [None, True, False])
def test_the_library_needs_no_code_to_see_who_is_there(code_verified: bool | None) -> None:
    assert when(CHECK_IN, (LIBRARY, BOOKED), check_in(OWNER, code_verified=code_verified))


def test_a_wrong_code_outside_the_window_is_told_of_the_window() -> None:
    with pytest.raises(CheckInTooEarly) as early:
        when(CHECK_IN, (BOOKED,), check_in(at=NOW, code_verified=False))
    assert early.value.opens == NINE - 15 * MINUTE
    with pytest.raises(CheckInWindowMissed) as late:
        when(CHECK_IN, (BOOKED,), check_in(at=ELEVEN, code_verified=None))
    assert late.value.closed == NINE + 30 * MINUTE
