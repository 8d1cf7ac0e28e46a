"""Rule 7, and the presets as small stories: rules that change touch only what is made from then on."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.booking_changes import CANCEL_BOOKING, CHECK_IN, CancelBooking, CheckIn
from studyspot.domain.endings import MISS_BOOKING, MissBooking
from studyspot.domain.events import (
    BookingCancelled,
    BookingCreated,
    BookingNoShow,
    Event,
    LibraryHoursSet,
    LibraryRulesSet,
    PaymentRefunded,
    Plan,
)
from studyspot.domain.libraries import SET_RULES, SetRules
from studyspot.domain.opening_hours import WEEKDAYS, OpenHours
from studyspot.domain.payments import RECORD_PAYMENT, RecordPayment
from studyspot.domain.refusals import (
    BookingTooLong,
    CheckInWindowMissed,
    NotYetReleased,
    OutsideOpeningHours,
    QuotaExhausted,
    SeatTaken,
)
from studyspot.domain.rules import DEFAULT_RULES, PRESETS
from tests.domain.given import (
    ASHA,
    DAY,
    ELEVEN,
    HOUR,
    LIBRARY,
    MINUTE,
    NINE,
    NOON,
    NOW,
    OPEN,
    OTHER_SEAT,
    OWNER,
    RAVI,
    SEAT,
    book,
    instant,
    library_in,
    only,
    priced,
    ruled,
)
from tests.domain.log import Log


def opened(preset: str, zone: str, *more: Event) -> Log:
    return Log((library_in(zone), SEAT, OTHER_SEAT, ruled_by(preset), *more))


def ruled_by(preset: str) -> LibraryRulesSet:
    return LibraryRulesSet(library_id="L1", rules=PRESETS[preset])


def an_hour(number: int, start: datetime, **more: Any) -> Any:
    return book(booking_id=f"B{number}", start=start, end=start + HOUR, **more)


def test_new_rules_and_prices_leave_bookings_as_they_were_made() -> None:
    log = Log((*OPEN, priced(Plan(id="hourly", unit="hour", amount_minor=5000))))
    created = only(BookingCreated, log.run(BOOK_SEAT, book()))
    log.append(
        (
            ruled(check_in_closes_minutes=5, free_cancel_minutes=600, strikes=1),
            priced(Plan(id="hourly", unit="hour", amount_minor=9000), version=2),
        )
    )
    new = only(BookingCreated, log.run(BOOK_SEAT, book(RAVI, booking_id="B2", start=ELEVEN, end=NOON)))
    assert (created.check_in_until, created.amount_minor) == (NINE + 30 * MINUTE, 10000)
    assert (new.check_in_until, new.amount_minor) == (ELEVEN + 5 * MINUTE, 9000)
    assert log.run(CHECK_IN, CheckIn("B1", ASHA, NINE + 29 * MINUTE, code_verified=True))
    with pytest.raises(CheckInWindowMissed):
        log.run(CHECK_IN, CheckIn("B2", RAVI, ELEVEN + 5 * MINUTE, code_verified=True))


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_can_be_set(preset: str) -> None:
    assert Log((LIBRARY,)).run(SET_RULES, SetRules("L1", PRESETS[preset], OWNER)) == (ruled_by(preset),)
    assert PRESETS[preset] != DEFAULT_RULES


def test_leeds_three_bookings_of_seven_hours_seven_days_ahead() -> None:
    zone, at = "Europe/London", instant("2027-03-22T12:00", "Europe/London")
    log = opened("leeds", zone)
    days = [instant(f"2027-03-{day}T09:00", zone) for day in (23, 24, 29)]
    for number, day in enumerate(days):
        log.run(BOOK_SEAT, an_hour(number, day, at=at))
    with pytest.raises(QuotaExhausted) as refused:
        log.run(BOOK_SEAT, an_hour(9, days[0] + 3 * HOUR, at=at))
    assert (refused.value.quota, refused.value.limit) == ("live-bookings", 3)
    log.run(CANCEL_BOOKING, CancelBooking("B0", None, ASHA, at))
    with pytest.raises(BookingTooLong):
        log.run(BOOK_SEAT, book(start=days[0], end=days[0] + 7 * HOUR + MINUTE, at=at))
    with pytest.raises(NotYetReleased):
        log.run(BOOK_SEAT, an_hour(9, instant("2027-03-30T00:00", zone), at=at))
    assert log.run(BOOK_SEAT, book(booking_id="B7", start=days[0], end=days[0] + 7 * HOUR, at=at))
    half_past = days[0] + 30 * MINUTE
    assert log.run(MISS_BOOKING, MissBooking("B1", days[1])) == ()
    again = book(RAVI, booking_id="B8", start=half_past, end=half_past + HOUR, at=half_past)
    lapse, _ = log.run(BOOK_SEAT, again)
    assert isinstance(lapse, BookingNoShow)


def test_nottingham_two_bookings_a_day() -> None:
    zone = "Europe/London"
    log = opened("nottingham", zone)
    for number, start in enumerate(("2026-12-03T09:00", "2026-12-03T20:00")):
        log.run(BOOK_SEAT, an_hour(number, instant(start, zone)))
    with pytest.raises(QuotaExhausted) as refused:
        log.run(BOOK_SEAT, an_hour(2, instant("2026-12-03T23:00", zone)))
    assert (refused.value.quota, refused.value.limit, refused.value.used) == ("day-bookings", 2, 2)
    assert log.run(BOOK_SEAT, an_hour(3, instant("2026-12-04T00:00", zone)))
    log.run(CANCEL_BOOKING, CancelBooking("B1", None, ASHA, NOW))
    assert log.run(BOOK_SEAT, an_hour(4, instant("2026-12-03T22:30", zone)))


SHIFTS = (
    Plan(id="morning", unit="shift", shift="morning", amount_minor=12000),
    Plan(id="night", unit="shift", shift="night", amount_minor=9000),
    Plan(id="month", unit="month", amount_minor=150000),
)


def test_a_study_hall_sells_shifts_and_whole_months() -> None:
    zone = "Asia/Kolkata"
    hours = tuple(OpenHours(day=day, opens=time(6), closes=time(6)) for day in WEEKDAYS)
    log = opened("study-hall", zone, priced(*SHIFTS), LibraryHoursSet(library_id="L1", hours=hours))
    first, last = instant("2026-12-05T06:00", zone), instant("2027-01-05T06:00", zone)
    month = only(BookingCreated, log.run(BOOK_SEAT, book(start=first, end=last, plan_id="month")))
    assert (month.amount_minor, month.check_in_until) == (150000, last)
    log.run(RECORD_PAYMENT, RecordPayment("P1", "B1", 150000, "upi", "text-1", OWNER, NOW))

    # Somebody else takes another seat by the night; the month's own is taken for all of it.
    night: dict[str, Any] = {
        "start": instant("2026-12-20T23:00", zone),
        "end": instant("2026-12-21T06:00", zone),
    }
    wish = replace(book(RAVI, booking_id="B2", plan_id="night"), **night)
    with pytest.raises(SeatTaken):
        log.run(BOOK_SEAT, wish)
    shift = only(BookingCreated, log.run(BOOK_SEAT, replace(wish, seat_id="S2")))
    assert (shift.amount_minor, shift.end - shift.start) == (9000, 7 * HOUR)

    # The student first comes a fortnight later, and the seat was kept.
    late = first + 14 * DAY
    assert log.run(MISS_BOOKING, MissBooking("B1", late)) == ()
    assert log.run(CHECK_IN, CheckIn("B1", ASHA, late, code_verified=True))

    cancelled = log.run(CANCEL_BOOKING, CancelBooking("B2", None, RAVI, shift.start - DAY))
    assert not only(BookingCancelled, cancelled).late
    assert not [event for event in cancelled if isinstance(event, PaymentRefunded)]
    with pytest.raises(NotYetReleased):
        log.run(BOOK_SEAT, replace(wish, at=NOW, start=NOW + 40 * DAY, end=NOW + 40 * DAY + 7 * HOUR))


def test_a_study_hall_with_hours_sells_no_shift_outside_them() -> None:
    zone = "Asia/Kolkata"
    hours = tuple(OpenHours(day=day, opens=time(6), closes=time(23)) for day in WEEKDAYS)
    log = opened("study-hall", zone, priced(*SHIFTS), LibraryHoursSet(library_id="L1", hours=hours))
    night = instant("2026-12-05T23:00", zone)
    with pytest.raises(OutsideOpeningHours):
        log.run(BOOK_SEAT, book(start=night, end=night + timedelta(hours=7), plan_id="night"))
