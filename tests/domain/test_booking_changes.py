"""Rules 4 (by the clock), 6 (without refunds) and 20: what may become of a booking."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from studyspot.domain.booking_changes import (
    CANCEL_BOOKING,
    CHECK_IN,
    CHECK_OUT,
    CancelBooking,
    CheckIn,
    CheckOut,
)
from studyspot.domain.events import BookingCancelled, BookingCheckedIn, BookingCheckedOut, Event
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    BookingCancelledAlready,
    BookingCompletedAlready,
    BookingOver,
    BookingUnknown,
    CheckedInAlready,
    CheckInTooEarly,
    CheckInWindowMissed,
    NotCheckedIn,
    Refusal,
)
from tests.domain.given import ASHA, ELEVEN, LIBRARY, NINE, NOW, OTHER_OWNER, OWNER, RAVI, booked, when

STANDING = booked(ASHA, booking_id="B1")
CHECKED_IN = (STANDING, BookingCheckedIn(**STANDING.facts()))
COMPLETED = (*CHECKED_IN, BookingCheckedOut(**STANDING.facts()))
CANCELLED = (STANDING, BookingCancelled(**STANDING.facts(), late=False))


def cancel(by: Actor = ASHA, at: datetime = NOW) -> CancelBooking:
    return CancelBooking("B1", None, by, at)


def check_in(by: Actor = ASHA, at: datetime = NINE) -> CheckIn:
    return CheckIn("B1", by, at)


def check_out(by: Actor = ASHA, at: datetime = NINE) -> CheckOut:
    return CheckOut("B1", by, at)


@pytest.mark.parametrize(
    ("at", "late"),
    [
        (NINE - timedelta(minutes=60), False),
        (NINE - timedelta(minutes=59), True),
        (ELEVEN - timedelta(seconds=1), True),
    ],
)
def test_cancelling_is_free_until_an_hour_before_and_late_after(at: datetime, late: bool) -> None:
    (cancelled,) = when(CANCEL_BOOKING, (STANDING,), cancel(at=at))
    assert isinstance(cancelled, BookingCancelled)
    assert cancelled.late is late
    assert cancelled.occupation == STANDING.occupation


def test_a_booking_whose_time_is_over_is_not_cancelled() -> None:
    with pytest.raises(BookingOver):
        when(CANCEL_BOOKING, (STANDING,), cancel(at=ELEVEN))


@pytest.mark.parametrize("at", [NINE - timedelta(minutes=15), NINE, NINE + timedelta(minutes=29, seconds=59)])
def test_check_in_is_open_in_its_window(at: datetime) -> None:
    (checked_in,) = when(CHECK_IN, (STANDING,), check_in(at=at))
    assert isinstance(checked_in, BookingCheckedIn)


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        (NINE - timedelta(minutes=15, seconds=1), CheckInTooEarly),
        (NINE + timedelta(minutes=30), CheckInWindowMissed),
        (ELEVEN, CheckInWindowMissed),
    ],
)
def test_check_in_outside_its_window_is_refused_by_the_clock(at: datetime, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        when(CHECK_IN, (STANDING,), check_in(at=at))


def test_checking_out_completes_the_booking() -> None:
    (checked_out,) = when(CHECK_OUT, CHECKED_IN, check_out())
    assert isinstance(checked_out, BookingCheckedOut)
    assert checked_out.status == "completed"


@pytest.mark.parametrize(
    ("given_events", "decider", "command", "refusal"),
    [
        (CHECKED_IN, CANCEL_BOOKING, cancel(), CheckedInAlready),
        (COMPLETED, CANCEL_BOOKING, cancel(), BookingCompletedAlready),
        (CANCELLED, CANCEL_BOOKING, cancel(), BookingCancelledAlready),
        (CHECKED_IN, CHECK_IN, check_in(), CheckedInAlready),
        (COMPLETED, CHECK_IN, check_in(), BookingCompletedAlready),
        (CANCELLED, CHECK_IN, check_in(), BookingCancelledAlready),
        ((STANDING,), CHECK_OUT, check_out(), NotCheckedIn),
        (COMPLETED, CHECK_OUT, check_out(), BookingCompletedAlready),
        (CANCELLED, CHECK_OUT, check_out(), BookingCancelledAlready),
    ],
)
def test_every_other_command_in_every_state_is_refused(
    given_events: tuple[Event, ...], decider: Any, command: Any, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        when(decider, given_events, command)


@pytest.mark.parametrize(
    ("decider", "command"),
    [(CANCEL_BOOKING, cancel), (CHECK_IN, check_in), (CHECK_OUT, check_out)],
)
def test_a_booking_exists_only_for_its_student_and_its_library(decider: Any, command: Any) -> None:
    history = (LIBRARY, *(CHECKED_IN if decider is CHECK_OUT else (STANDING,)))
    assert when(decider, history, command(by=OWNER))
    for stranger in (
        RAVI,
        OTHER_OWNER,
        Actor(ASHA.user_id, "library_owner"),
        Actor(OWNER.user_id, "student"),
    ):
        with pytest.raises(BookingUnknown):
            when(decider, history, command(by=stranger))
    with pytest.raises(BookingUnknown):
        when(decider, (), command())
