"""Rules 6, 7, 13 and 20 of rescheduling: re-decided as a whole, under the rules and prices of its moment."""

from dataclasses import replace
from typing import Any

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.booking_changes import CANCEL_BOOKING, CancelBooking
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    Event,
    PaymentRefunded,
    Plan,
)
from studyspot.domain.quotes import Quote, plan_mark
from studyspot.domain.refusals import (
    BeyondHorizon,
    BookingCancelledAlready,
    BookingCompletedAlready,
    BookingMissed,
    BookingRevokedAlready,
    BookingUnknown,
    CheckedInAlready,
    EndNotAfterStart,
    NothingToReschedule,
    PlanRequired,
    QuotaExhausted,
    Refusal,
    SeatTaken,
    SeatUnknown,
    StartInThePast,
    StudentBusy,
    TooLateToReschedule,
)
from studyspot.domain.rescheduling import RESCHEDULE_BOOKING
from tests.domain.given import (
    ADMIN,
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
    OTHER_OWNER,
    OWNER,
    RAVI,
    TEN,
    book,
    booked,
    moved,
    only,
    paid,
    priced,
    reschedule,
    ruled,
    when,
)
from tests.domain.log import Log

BOOKED = booked(ASHA)
HOURLY = Plan(id="hourly", unit="hour", amount_minor=5000)
CHEAPER = Plan(id="hourly", unit="hour", amount_minor=3000)
CHARGED = booked(ASHA, amount_minor=10000, plan_id="hourly", price_version=1)


def test_a_booking_moves_to_another_seat_and_tells_where_it_was() -> None:
    events = when(RESCHEDULE_BOOKING, (*OPEN, BOOKED), reschedule(seat_id="S2"))
    change = only(BookingRescheduled, events)
    assert (change.booking_id, change.occupation, change.seat_id) == ("B0", BOOKED.occupation, "S2")
    assert (change.previous_seat_id, change.previous_start, change.previous_end) == ("S1", NINE, ELEVEN)
    assert (change.start, change.end, change.status) == (NINE, ELEVEN, "confirmed")


def test_what_a_booking_leaves_is_free_and_what_it_takes_is_taken() -> None:
    log = Log((*OPEN, BOOKED))
    log.run(RESCHEDULE_BOOKING, reschedule(start=NINE + DAY, end=ELEVEN + DAY))
    assert log.decide(BOOK_SEAT, book(RAVI)).events
    with pytest.raises(SeatTaken):
        log.decide(BOOK_SEAT, book(RAVI, start=NINE + DAY, end=ELEVEN + DAY))


def test_a_booking_does_not_stand_in_its_own_way() -> None:
    (change,) = when(RESCHEDULE_BOOKING, (*OPEN, BOOKED), reschedule(start=TEN, end=NOON))
    assert isinstance(change, BookingRescheduled)
    assert (change.start, change.end) == (TEN, NOON)


@pytest.mark.parametrize(
    ("rival", "change", "refusal"),
    [
        (booked(RAVI, booking_id="B9", start=ELEVEN, end=NOON), {"end": NOON}, SeatTaken),
        (booked(RAVI, booking_id="B9", seat_id="S2"), {"seat_id": "S2"}, SeatTaken),
        (
            booked(ASHA, booking_id="B9", seat_id="S9", library_id="L2", start=ELEVEN, end=NOON),
            {"end": NOON},
            StudentBusy,
        ),
    ],
)
def test_a_booking_moves_only_to_where_it_could_be_made(
    rival: Event, change: dict[str, Any], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        when(RESCHEDULE_BOOKING, (*OPEN, BOOKED, rival), reschedule(**change))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, NothingToReschedule),
        ({"seat_id": "S1", "start": NINE, "end": ELEVEN}, NothingToReschedule),
        ({"start": NOON}, EndNotAfterStart),
        ({"start": NOW - 6 * MINUTE}, StartInThePast),
        ({"start": NOW + 366 * DAY, "end": NOW + 367 * DAY}, BeyondHorizon),
        ({"seat_id": "S9"}, SeatUnknown),
    ],
)
def test_a_change_that_is_none_or_cannot_be_is_refused(
    change: dict[str, Any], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        when(RESCHEDULE_BOOKING, (*OPEN, BOOKED), reschedule(**change))


@pytest.mark.parametrize("named", [True, False])
def test_a_booking_under_way_keeps_its_start_whether_or_not_that_is_said(named: bool) -> None:
    change: dict[str, Any] = {"seat_id": "S2", "at": NINE + 10 * MINUTE}
    if named:
        change |= {"start": NINE, "end": ELEVEN}
    assert when(RESCHEDULE_BOOKING, (*OPEN, BOOKED), reschedule(**change))


def test_the_time_is_changed_until_the_free_cancellation_ends_and_the_seat_after_that_too() -> None:
    until = BOOKED.free_cancel_until
    assert when(RESCHEDULE_BOOKING, (*OPEN, BOOKED), reschedule(end=NOON, at=until))
    with pytest.raises(TooLateToReschedule):
        when(RESCHEDULE_BOOKING, (*OPEN, BOOKED), reschedule(end=NOON, at=until + INSTANT))
    assert when(RESCHEDULE_BOOKING, (*OPEN, BOOKED), reschedule(seat_id="S2", at=until + INSTANT))
    assert when(RESCHEDULE_BOOKING, (*OPEN, BOOKED), reschedule(OWNER, end=NOON, at=until + INSTANT))


def test_moving_a_booking_away_and_cancelling_it_there_costs_as_much_as_cancelling_it() -> None:
    log = Log((*OPEN, priced(HOURLY), CHARGED))
    late = CHARGED.free_cancel_until + INSTANT
    with pytest.raises(TooLateToReschedule):
        log.run(RESCHEDULE_BOOKING, reschedule(start=NINE + 7 * DAY, end=ELEVEN + 7 * DAY, at=late))
    cancelled = only(BookingCancelled, log.run(CANCEL_BOOKING, CancelBooking("B0", None, ASHA, late)))
    assert (cancelled.late, cancelled.kept_minor) == (True, 10000)


def test_a_seat_that_costs_less_is_no_way_round_a_late_cancellation() -> None:
    of_zones = priced(replace(HOURLY, zone="general"), replace(CHEAPER, id="quiet", zone="quiet"))
    to_quiet = reschedule(seat_id="S2", at=CHARGED.free_cancel_until)
    assert when(RESCHEDULE_BOOKING, (*OPEN, of_zones, CHARGED), to_quiet)
    late = replace(to_quiet, at=CHARGED.free_cancel_until + INSTANT)
    with pytest.raises(TooLateToReschedule):
        when(RESCHEDULE_BOOKING, (*OPEN, of_zones, CHARGED), late)
    assert when(RESCHEDULE_BOOKING, (*OPEN, of_zones, CHARGED), replace(late, actor=OWNER))
    assert when(RESCHEDULE_BOOKING, (*OPEN, priced(HOURLY), CHARGED), late)


def test_a_reschedule_takes_the_rules_of_its_moment() -> None:
    rules = ruled(
        check_in_opens_minutes=-5,
        check_in_closes_minutes=10,
        free_cancel_minutes=120,
        late_refund_percent=50,
        buffer_minutes=15,
    )
    change = only(
        BookingRescheduled, when(RESCHEDULE_BOOKING, (*OPEN, BOOKED, rules), reschedule(seat_id="S2"))
    )
    assert (change.check_in_from, change.check_in_until) == (NINE - 5 * MINUTE, NINE + 10 * MINUTE)
    assert (change.free_cancel_until, change.late_refund_percent) == (NINE - 2 * HOUR, 50)
    assert change.occupied_until == ELEVEN + 15 * MINUTE


def test_going_from_seat_to_seat_does_not_put_off_check_in() -> None:
    late = NINE + 29 * MINUTE
    change = only(
        BookingRescheduled, when(RESCHEDULE_BOOKING, (*OPEN, BOOKED), reschedule(seat_id="S2", at=late))
    )
    assert change.check_in_until == BOOKED.check_in_until
    with pytest.raises(BookingMissed):
        when(RESCHEDULE_BOOKING, (*OPEN, BOOKED, change), reschedule(seat_id="S1", at=NINE + 30 * MINUTE))


def test_a_change_is_priced_by_the_booking_s_own_plan_as_it_is_now() -> None:
    daily = Plan(id="daily", unit="day", amount_minor=9000)
    prices = priced(CHEAPER, daily, version=2)
    change = only(
        BookingRescheduled, when(RESCHEDULE_BOOKING, (*OPEN, prices, CHARGED), reschedule(end=NOON))
    )
    assert (change.plan_id, change.price_version, change.amount_minor) == ("hourly", 2, 9000)
    assert change.previous_amount_minor == 10000
    gone = priced(daily, replace(CHEAPER, id="other"), version=2)
    with pytest.raises(PlanRequired):
        when(RESCHEDULE_BOOKING, (*OPEN, gone, CHARGED), reschedule(end=NOON))


def test_a_day_of_a_month_is_moved_with_its_share_and_a_longer_one_is_not() -> None:
    monthly = Plan(id="monthly", unit="month", amount_minor=150000)
    prices = priced(monthly, version=2)
    share = replace(CHARGED, amount_minor=5000, plan_id="monthly", series_id="R1", plan_share=True)
    change = only(
        BookingRescheduled, when(RESCHEDULE_BOOKING, (*OPEN, prices, share), reschedule(seat_id="S2"))
    )
    assert (change.amount_minor, change.plan_id, change.price_version) == (5000, "monthly", 1)
    again = when(RESCHEDULE_BOOKING, (*OPEN, prices, share, change), reschedule(seat_id="S1"))
    assert only(BookingRescheduled, again).amount_minor == 5000
    longer = when(RESCHEDULE_BOOKING, (*OPEN, prices, share), reschedule(end=NOON))
    assert only(BookingRescheduled, longer).amount_minor == 150000
    alone = when(
        RESCHEDULE_BOOKING, (*OPEN, prices, replace(share, plan_share=False)), reschedule(seat_id="S2")
    )
    assert only(BookingRescheduled, alone).amount_minor == 150000


def test_a_day_of_a_month_never_becomes_cheaper_by_moving() -> None:
    monthly = Plan(id="monthly", unit="month", amount_minor=150000)
    share = replace(CHARGED, amount_minor=5000, plan_id="monthly", series_id="R1", plan_share=True)
    given = (*OPEN, priced(monthly, replace(CHEAPER, amount_minor=100), version=2), share)
    cheaper = reschedule(end=share.start + 30 * MINUTE, plan_id=CHEAPER.id)
    change = only(BookingRescheduled, when(RESCHEDULE_BOOKING, given, cheaper))
    assert (change.amount_minor, change.plan_share) == (5000, True)


def test_a_change_is_charged_as_quoted() -> None:
    quote = Quote(7777, 1, plan_mark("hourly"), NOW + 10 * MINUTE)
    prices = priced(CHEAPER, version=2)
    change = only(
        BookingRescheduled,
        when(RESCHEDULE_BOOKING, (*OPEN, prices, CHARGED), reschedule(end=NOON, quote=quote)),
    )
    assert (change.amount_minor, change.price_version) == (7777, 1)


@pytest.mark.parametrize(("has", "back"), [(10000, 4000), (7000, 1000), (6001, 1), (6000, 0), (0, 0)])
def test_what_was_paid_beyond_the_new_amount_is_given_back(has: int, back: int) -> None:
    payments = (paid(CHARGED, has),) if has else ()
    events = when(
        RESCHEDULE_BOOKING, (*OPEN, priced(CHEAPER, version=2), CHARGED, *payments), reschedule(seat_id="S2")
    )
    assert only(BookingRescheduled, events).amount_minor == 6000
    refunds = [event for event in events if isinstance(event, PaymentRefunded)]
    assert [(refund.refund_minor, refund.paid_minor) for refund in refunds] == (
        [(back, 6000)] if back else []
    )
    assert all(refund.reason == "rescheduled" for refund in refunds)


def test_a_change_does_not_count_the_booking_itself_towards_quotas() -> None:
    rules = ruled(day_bookings=1, week_bookings=1, live_bookings=1, day_minutes=120)
    assert when(RESCHEDULE_BOOKING, (*OPEN, BOOKED, rules), reschedule(start=TEN, end=NOON))
    with pytest.raises(QuotaExhausted):
        when(RESCHEDULE_BOOKING, (*OPEN, BOOKED, rules), reschedule(start=NINE, end=NOON))
    tomorrow = booked(ASHA, booking_id="B9", start=NINE + DAY, end=TEN + DAY)
    day_only = ruled(day_bookings=1)
    with pytest.raises(QuotaExhausted):
        when(
            RESCHEDULE_BOOKING,
            (*OPEN, BOOKED, tomorrow, day_only),
            reschedule(start=TEN + DAY, end=ELEVEN + DAY),
        )


@pytest.mark.parametrize(
    ("ended", "refusal"),
    [
        ((BookingCheckedIn(**BOOKED.facts()),), CheckedInAlready),
        (
            (BookingCheckedIn(**BOOKED.facts()), BookingCheckedOut(**BOOKED.facts())),
            BookingCompletedAlready,
        ),
        ((BookingCancelled(**BOOKED.facts(), late=False),), BookingCancelledAlready),
        ((BookingRevoked(**BOOKED.facts(), reason="library"),), BookingRevokedAlready),
        ((BookingNoShow(**BOOKED.facts(), missed_at=NINE),), BookingMissed),
    ],
)
def test_only_a_confirmed_booking_is_rescheduled(ended: tuple[Event, ...], refusal: type[Refusal]) -> None:
    for change in ({"seat_id": "S2"}, {}, {"start": NOON}):
        with pytest.raises(refusal):
            when(RESCHEDULE_BOOKING, (*OPEN, BOOKED, *ended), reschedule(**change))


@pytest.mark.parametrize("stranger", [RAVI, OTHER_OWNER, ADMIN, replace(RAVI, role="library_owner")])
@pytest.mark.parametrize("change", [{"seat_id": "S2"}, {}, {"start": NOON}, {"seat_id": "S9"}])
def test_a_booking_is_rescheduled_by_its_parties_only(stranger: Any, change: dict[str, Any]) -> None:
    for known in ((*OPEN, BOOKED), OPEN, (*OPEN, BOOKED, BookingCancelled(**BOOKED.facts(), late=False))):
        with pytest.raises(BookingUnknown):
            when(RESCHEDULE_BOOKING, known, reschedule(stranger, **change))


def test_a_change_that_needs_a_missed_booking_s_seat_notes_that_it_was_missed() -> None:
    rival = booked(RAVI, booking_id="B9", seat_id="S2", start=NINE - 2 * HOUR, end=NOON)
    lapse, change = when(
        RESCHEDULE_BOOKING, (*OPEN, BOOKED, rival), reschedule(seat_id="S2", at=NINE - 90 * MINUTE)
    )
    assert isinstance(lapse, BookingNoShow)
    assert (lapse.booking_id, lapse.missed_at) == ("B9", rival.check_in_until)
    assert isinstance(change, BookingRescheduled)


def test_a_booking_that_moved_away_and_ended_there_is_not_in_the_way() -> None:
    week = 7 * DAY
    away = moved(BOOKED, start=NINE + week, end=ELEVEN + week)
    further = moved(away, start=NINE + 2 * week, end=ELEVEN + 2 * week)
    ended = BookingCancelled(**further.facts(), late=False)
    for history in ((BOOKED, away), (BOOKED, away, further), (BOOKED, away, further, ended)):
        assert len(when(BOOK_SEAT, (*OPEN, *history), book(ASHA))) == 1
        assert len(when(BOOK_SEAT, (*OPEN, *history), book(RAVI))) == 1
    with pytest.raises(StudentBusy):
        when(BOOK_SEAT, (*OPEN, BOOKED, away), book(seat_id="S2", start=away.start, end=away.end))
    free = (*OPEN, BOOKED, away, further)
    created = only(BookingCreated, when(BOOK_SEAT, free, book(start=away.start, end=away.end)))
    assert created.start == away.start
