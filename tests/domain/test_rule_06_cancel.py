"""Rule 6: cancelling is free until the cutoff; later it frees the seat, and gives back what the rules say."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.booking_changes import (
    CANCEL_BOOKING,
    CHECK_IN,
    CHECK_OUT,
    REVOKE_BOOKING,
    CancelBooking,
    CheckIn,
    CheckOut,
    RevokeBooking,
)
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    BookingRevoked,
    Event,
    PaymentRefunded,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import BookingUnknown, CheckedInAlready, QuotaExhausted, SeatTaken
from tests.domain.given import (
    ADMIN,
    ASHA,
    ELEVEN,
    INSTANT,
    LIBRARY,
    MINUTE,
    NINE,
    NOON,
    NOW,
    OPEN,
    OTHER_OWNER,
    OWNER,
    RAVI,
    TEN,
    book,
    booked,
    only,
    paid,
    ruled,
    when,
)
from tests.domain.log import Log

BOOKED = booked(ASHA, amount_minor=10000)
CUTOFF = BOOKED.free_cancel_until
CHECKED_IN = (BOOKED, BookingCheckedIn(**BOOKED.facts()))


def cancel(by: Actor = ASHA, at: datetime = NOW) -> CancelBooking:
    return CancelBooking("B0", "text-1", by, at)


def test_cancelling_is_free_until_exactly_the_cutoff_and_late_after_it() -> None:
    for at, late, kept in ((CUTOFF, False, 0), (CUTOFF + INSTANT, True, 10000), (NINE, True, 10000)):
        cancelled = only(BookingCancelled, when(CANCEL_BOOKING, (BOOKED,), cancel(at=at)))
        assert (cancelled.late, cancelled.kept_minor, cancelled.status) == (late, kept, "cancelled")
        assert (cancelled.reason_id, cancelled.occupation) == ("text-1", BOOKED.occupation)


@pytest.mark.parametrize(
    ("amount", "percent", "kept"),
    [
        *((10000, 0, 10000), (10000, 50, 5000), (10000, 100, 0), (9999, 50, 4999), (9999, 33, 6699)),
        *((1, 50, 0), (1, 99, 0), (1, 1, 0), (1, 0, 1), (3, 33, 2), (0, 50, 0)),
    ],
)
def test_a_late_cancellation_gives_back_its_percentage_and_the_odd_unit(
    amount: int, percent: int, kept: int
) -> None:
    booking = booked(ASHA, amount_minor=amount, late_refund_percent=percent)
    has = (paid(booking, amount),) if amount else ()
    events = when(CANCEL_BOOKING, (booking, *has), cancel(at=NINE))
    assert only(BookingCancelled, events).kept_minor == kept
    assert sum(event.refund_minor for event in events if isinstance(event, PaymentRefunded)) == amount - kept


@pytest.mark.parametrize(("has", "back"), [(0, 0), (4999, 0), (5000, 0), (5001, 1), (10000, 5000)])
def test_what_was_paid_beyond_what_is_kept_is_given_back(has: int, back: int) -> None:
    booking = replace(BOOKED, late_refund_percent=50)
    payments = (paid(booking, has),) if has else ()
    refunds = when(CANCEL_BOOKING, (booking, *payments), cancel(at=NINE))[1:]
    assert [r.refund_minor for r in refunds if isinstance(r, PaymentRefunded)] == ([back] if back else [])
    for refund in refunds:
        assert isinstance(refund, PaymentRefunded)
        assert (refund.paid_minor, refund.status, refund.reason) == (5000, "cancelled", "cancelled")


def test_a_cancellation_in_time_gives_all_back() -> None:
    refund = only(PaymentRefunded, when(CANCEL_BOOKING, (BOOKED, paid(BOOKED, 10000)), cancel()))
    assert (refund.refund_minor, refund.paid_minor) == (10000, 0)


def test_the_cutoff_and_the_refund_are_those_of_the_booking_s_moment() -> None:
    rules = ruled(free_cancel_minutes=0, late_refund_percent=25)
    created = only(BookingCreated, when(BOOK_SEAT, (*OPEN, rules), book(booking_id="B0")))
    assert (created.free_cancel_until, created.late_refund_percent) == (NINE, 25)
    stricter = ruled(free_cancel_minutes=24 * 60)
    cancelled = only(BookingCancelled, when(CANCEL_BOOKING, (*OPEN, created, stricter), cancel(at=NINE)))
    assert not cancelled.late


@pytest.mark.parametrize("at", [NOW, NINE + 10 * MINUTE])
def test_a_cancelled_booking_frees_seat_and_student_late_or_not(at: datetime) -> None:
    events = when(CANCEL_BOOKING, (BOOKED,), cancel(at=at))
    for by in (RAVI, ASHA):
        assert when(BOOK_SEAT, (*OPEN, BOOKED, *events), book(by, start=TEN, end=ELEVEN, at=at))


def test_a_late_cancellation_gives_no_quota_back() -> None:
    rules = ruled(day_bookings=1)
    late = when(CANCEL_BOOKING, (BOOKED,), cancel(at=NINE))
    with pytest.raises(QuotaExhausted):
        when(BOOK_SEAT, (*OPEN, rules, BOOKED, *late), book(start=TEN, end=NOON, at=NINE))
    in_time = when(CANCEL_BOOKING, (BOOKED,), cancel(at=CUTOFF))
    assert when(BOOK_SEAT, (*OPEN, rules, BOOKED, *in_time), book(start=TEN, end=NOON, at=NINE))


def test_after_check_in_there_is_only_check_out_which_frees_the_seat_at_once() -> None:
    with pytest.raises(CheckedInAlready):
        when(CANCEL_BOOKING, CHECKED_IN, cancel(at=NINE))
    taken = book(RAVI, start=TEN, end=NOON, at=TEN)
    with pytest.raises(SeatTaken):
        when(BOOK_SEAT, (*OPEN, *CHECKED_IN), taken)
    left = when(CHECK_OUT, CHECKED_IN, CheckOut("B0", ASHA, TEN))
    assert only(BookingCheckedOut, left).status == "completed"
    assert len(when(BOOK_SEAT, (*OPEN, *CHECKED_IN, *left), taken)) == 1


def test_checking_out_early_gives_no_money_back() -> None:
    history = (BOOKED, paid(BOOKED, 10000), CHECKED_IN[1])
    assert len(when(CHECK_OUT, history, CheckOut("B0", ASHA, NINE))) == 1


def test_a_revoked_booking_costs_nothing_however_late() -> None:
    for history in ((BOOKED, paid(BOOKED, 7000)), (*CHECKED_IN, paid(BOOKED, 7000))):
        revoke = RevokeBooking("B0", "library", "text-2", OWNER, NINE)
        events = when(REVOKE_BOOKING, (LIBRARY, *history), revoke)
        revoked, refund = only(BookingRevoked, events), only(PaymentRefunded, events)
        assert (revoked.reason, revoked.reason_id) == ("library", "text-2")
        assert (refund.refund_minor, refund.paid_minor, refund.reason) == (7000, 0, "revoked")


STRANGERS = (
    *(RAVI, OTHER_OWNER, ADMIN),
    *(Actor("ravi", "library_owner"), Actor("owner", "student"), Actor("somebody", "staff")),
)
PARTY: list[tuple[Any, Any, tuple[Event, ...]]] = [
    (CANCEL_BOOKING, lambda by: cancel(by), (BOOKED,)),
    (CHECK_IN, lambda by: CheckIn("B0", by, NINE, code_verified=True), (BOOKED,)),
    (CHECK_OUT, lambda by: CheckOut("B0", by, NINE), CHECKED_IN),
]


@pytest.mark.parametrize(("decider", "command", "history"), PARTY)
def test_a_booking_exists_only_for_its_student_and_its_library(
    decider: Any, command: Any, history: tuple[Event, ...]
) -> None:
    for party in (ASHA, OWNER):
        assert when(decider, (LIBRARY, *history), command(party))
    for stranger in STRANGERS:
        for known in (history, (), (*history, BookingCancelled(**BOOKED.facts(), late=False))):
            with pytest.raises(BookingUnknown):
                when(decider, (LIBRARY, *known), command(stranger))


def test_only_its_library_revokes_a_booking() -> None:
    for stranger in (*STRANGERS, ASHA):
        with pytest.raises(BookingUnknown):
            when(REVOKE_BOOKING, (LIBRARY, BOOKED), RevokeBooking("B0", "library", None, stranger, NOW))


def test_cancelling_loses_to_a_check_in_that_was_first_and_the_other_way_round() -> None:
    first: list[tuple[Any, Any]] = [
        (CANCEL_BOOKING, cancel(at=NINE)),
        (CHECK_IN, CheckIn("B0", ASHA, NINE, code_verified=True)),
    ]
    for winner, loser in (first, first[::-1]):
        log = Log((LIBRARY, BOOKED))
        decided = log.decide(*loser)
        log.run(*winner)
        assert log.has_changed(decided.boundary, after=decided.head)
