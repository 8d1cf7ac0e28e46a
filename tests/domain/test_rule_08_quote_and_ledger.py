"""Rule 8: a quote is honoured while it is valid; of payments, no more than is due or was paid."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    BookingRevoked,
    Event,
    LibraryDeleted,
    PaymentRecorded,
    PaymentRefunded,
    Plan,
)
from studyspot.domain.payments import RECORD_PAYMENT, REFUND_PAYMENT, RecordPayment, RefundPayment
from studyspot.domain.pricing import Price
from studyspot.domain.quotes import ASK_PRICE, AskPrice, Quote, plan_mark, price_asked
from studyspot.domain.refusals import (
    BookingUnknown,
    EndNotAfterStart,
    LibraryRetired,
    LibraryUnknown,
    NoPlanApplies,
    NotPayable,
    PaymentExceedsDue,
    PlanRequired,
    PriceChanged,
    QuoteMismatch,
    RefundExceedsPaid,
    Refusal,
    SeatUnknown,
)
from tests.domain.given import (
    ADMIN,
    ASHA,
    ELEVEN,
    INSTANT,
    LIBRARY,
    MINUTE,
    NINE,
    NOW,
    OPEN,
    OTHER_OWNER,
    OWNER,
    RAVI,
    SEAT,
    book,
    booked,
    missed,
    only,
    paid,
    priced,
    when,
)
from tests.domain.log import Log, fold

HOURLY = Plan(id="hourly", unit="hour", amount_minor=5000)
DAILY = Plan(id="daily", unit="day", amount_minor=20000)
DEARER = replace(HOURLY, amount_minor=6000)
VALID_UNTIL = NOW + 10 * MINUTE
QUOTED = Quote(10000, 1, plan_mark("hourly"), VALID_UNTIL)
BOOKED = booked(ASHA, amount_minor=10000)


def created(
    *history: Event, quote: Quote | None = QUOTED, at: datetime = NOW, **changes: Any
) -> BookingCreated:
    events = when(BOOK_SEAT, (*OPEN, *history), book(quote=quote, at=at, **changes))
    return only(BookingCreated, events)


def test_a_quote_is_honoured_while_it_is_valid_whatever_prices_are_now() -> None:
    for prices in (priced(DEARER, version=2), priced(version=2), priced(DEARER, DAILY, version=2)):
        booking = created(priced(HOURLY), prices, at=VALID_UNTIL - INSTANT)
        assert (booking.amount_minor, booking.price_version, booking.currency) == (10000, 1, "INR")


def test_an_honoured_quote_names_its_plan_as_far_as_the_library_still_has_it() -> None:
    assert created(priced(DEARER, DAILY, version=2)).plan_id == "hourly"
    assert created(priced(DAILY, version=2)).plan_id is None
    assert created(priced(DAILY, version=2), plan_id="hourly").plan_id == "hourly"


def test_a_quote_that_is_over_stands_where_the_price_is_the_same() -> None:
    booking = created(priced(HOURLY), priced(HOURLY, DAILY, version=2), at=VALID_UNTIL)
    assert (booking.amount_minor, booking.price_version, booking.plan_id) == (10000, 2, "hourly")


def test_a_quote_that_is_over_is_refused_with_the_price_of_now() -> None:
    with pytest.raises(PriceChanged) as refused:
        created(priced(DEARER, DAILY, version=2), at=VALID_UNTIL)
    told = refused.value
    assert (told.amount_minor, told.price_version, told.plan_id, told.currency) == (12000, 2, "hourly", "INR")
    with pytest.raises(PriceChanged) as free:
        created(at=VALID_UNTIL)
    assert (free.value.amount_minor, free.value.plan_id) == (0, None)


def test_a_quote_that_is_over_for_a_plan_that_is_gone_asks_for_another() -> None:
    with pytest.raises(PlanRequired):
        created(priced(DAILY, replace(DAILY, id="other"), version=2), at=VALID_UNTIL)
    with pytest.raises(PriceChanged):
        created(priced(DAILY, version=2), at=VALID_UNTIL)


def test_a_quote_for_another_plan_is_not_this_one_s() -> None:
    for at in (NOW, VALID_UNTIL):
        with pytest.raises(QuoteMismatch):
            created(priced(HOURLY, DAILY), plan_id="daily", at=at)


def test_a_free_library_quotes_nothing_and_keeps_to_it() -> None:
    free = Quote(0, None, plan_mark(None), VALID_UNTIL)
    booking = created(priced(HOURLY), quote=free)
    assert (booking.amount_minor, booking.plan_id) == (0, None)
    with pytest.raises(PriceChanged):
        created(priced(HOURLY), quote=free, at=VALID_UNTIL)


def test_what_something_costs_is_told_and_changes_nothing() -> None:
    def asked(*history: Event, **changes: Any) -> Price:
        command = replace(AskPrice("L1", "S1", NINE, ELEVEN, None, NOW), **changes)
        log = Log(history)
        decided = log.decide(ASK_PRICE, command)
        assert decided.events == ()
        return price_asked(command, fold(ASK_PRICE, log.read(decided.boundary)))

    assert asked(*OPEN, priced(HOURLY)) == Price(10000, "INR", "hourly", 1)
    assert asked(*OPEN) == Price(0, "INR", None, None)
    assert asked(*OPEN, priced(HOURLY, DAILY), plan_id="daily").amount_minor == 20000
    refusals: list[tuple[tuple[Event, ...], dict[str, Any], type[Refusal]]] = [
        ((SEAT,), {}, LibraryUnknown),
        ((LIBRARY,), {}, SeatUnknown),
        ((*OPEN, LibraryDeleted(library_id="L1")), {}, LibraryRetired),
        ((*OPEN, priced(HOURLY, DAILY)), {}, PlanRequired),
        ((*OPEN, priced(replace(HOURLY, zone="ac"))), {}, NoPlanApplies),
        (OPEN, {"end": NINE}, EndNotAfterStart),
    ]
    for history, changes, refusal in refusals:
        with pytest.raises(refusal):
            asked(*history, **changes)


def pay(amount_minor: int, **changes: Any) -> RecordPayment:
    return replace(RecordPayment("P1", "B0", amount_minor, "upi", "text-1", OWNER, NOW), **changes)


def give_back(amount_minor: int, **changes: Any) -> RefundPayment:
    return replace(RefundPayment("B0", amount_minor, OWNER, NOW), **changes)


def test_what_is_paid_adds_up_to_what_is_due() -> None:
    log = Log((LIBRARY, BOOKED))
    first = only(PaymentRecorded, log.run(RECORD_PAYMENT, pay(4000)))
    assert (first.payment_minor, first.paid_minor, first.method, first.reference_id) == (
        *(4000, 4000),
        *("upi", "text-1"),
    )
    with pytest.raises(PaymentExceedsDue) as refused:
        log.run(RECORD_PAYMENT, pay(6001))
    assert refused.value.due_minor == 6000
    assert only(PaymentRecorded, log.run(RECORD_PAYMENT, pay(6000))).paid_minor == 10000
    with pytest.raises(PaymentExceedsDue):
        log.run(RECORD_PAYMENT, pay(1))


def test_no_more_is_given_back_than_was_paid() -> None:
    log = Log((LIBRARY, BOOKED))
    with pytest.raises(RefundExceedsPaid):
        log.run(REFUND_PAYMENT, give_back(1))
    log.run(RECORD_PAYMENT, pay(4000))
    with pytest.raises(RefundExceedsPaid) as refused:
        log.run(REFUND_PAYMENT, give_back(4001))
    assert refused.value.paid_minor == 4000
    back = only(PaymentRefunded, log.run(REFUND_PAYMENT, give_back(1000)))
    assert (back.refund_minor, back.paid_minor, back.reason) == (1000, 3000, "asked")
    assert only(PaymentRecorded, log.run(RECORD_PAYMENT, pay(7000))).paid_minor == 10000


@pytest.mark.parametrize("amount", [0, -1, -10000])
def test_an_amount_is_more_than_nothing(amount: int) -> None:
    with pytest.raises(PaymentExceedsDue):
        when(RECORD_PAYMENT, (LIBRARY, BOOKED, paid(BOOKED, 5000)), pay(amount))
    with pytest.raises(RefundExceedsPaid):
        when(REFUND_PAYMENT, (LIBRARY, BOOKED, paid(BOOKED, 5000)), give_back(amount))


CHECKED_IN = BookingCheckedIn(**BOOKED.facts())


@pytest.mark.parametrize(
    ("ended", "due", "status"),
    [
        ((), 10000, "confirmed"),
        ((CHECKED_IN,), 10000, "checked-in"),
        ((CHECKED_IN, BookingCheckedOut(**BOOKED.facts())), 10000, "completed"),
        ((missed(BOOKED),), 10000, "no-show"),
        ((BookingCancelled(**BOOKED.facts(), late=True, kept_minor=2500),), 2500, "cancelled"),
    ],
)
def test_what_is_due_is_what_the_library_keeps(ended: tuple[Event, ...], due: int, status: str) -> None:
    recorded = only(PaymentRecorded, when(RECORD_PAYMENT, (LIBRARY, BOOKED, *ended), pay(due)))
    assert (recorded.paid_minor, recorded.status) == (due, status)
    with pytest.raises(PaymentExceedsDue):
        when(RECORD_PAYMENT, (LIBRARY, BOOKED, *ended), pay(due + 1))


@pytest.mark.parametrize(
    "ended",
    [
        BookingCancelled(**BOOKED.facts(), late=False),
        BookingRevoked(**BOOKED.facts(), reason="closure"),
    ],
)
def test_nothing_is_due_for_what_was_given_back(ended: Event) -> None:
    with pytest.raises(PaymentExceedsDue) as refused:
        when(RECORD_PAYMENT, (LIBRARY, BOOKED, ended), pay(1))
    assert refused.value.due_minor == 0


def test_what_costs_nothing_is_not_paid() -> None:
    with pytest.raises(NotPayable):
        when(RECORD_PAYMENT, (LIBRARY, booked(ASHA)), pay(1))


@pytest.mark.parametrize("by", [ASHA, RAVI, OTHER_OWNER, ADMIN])
def test_only_its_library_keeps_a_booking_s_ledger(by: Any) -> None:
    for known in ((LIBRARY, BOOKED, paid(BOOKED, 5000)), (LIBRARY,)):
        with pytest.raises(BookingUnknown):
            when(RECORD_PAYMENT, known, pay(1, actor=by))
        with pytest.raises(BookingUnknown):
            when(REFUND_PAYMENT, known, give_back(1, actor=by))


def test_two_payments_at_once_do_not_exceed_what_is_due() -> None:
    log = Log((LIBRARY, BOOKED))
    one, other = log.decide(RECORD_PAYMENT, pay(10000)), log.decide(RECORD_PAYMENT, pay(10000))
    log.append(one.events)
    assert log.has_changed(other.boundary, after=other.head)
