"""Rule 11: closures, and seats out of service or removed."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.endings import REVOKE_AFFECTED, RevokeAffected
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingRescheduled,
    BookingRevoked,
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    HoldLapsed,
    HoldReleased,
    LibraryDeleted,
    LibraryHoursSet,
    PaymentRefunded,
    Plan,
    SeatAdded,
    SeatRemoved,
)
from studyspot.domain.holds import (
    PLACE_HOLD,
    RELEASE_AFFECTED_HOLD,
    ReleaseAffectedHold,
)
from studyspot.domain.libraries import (
    ANNOUNCE_CLOSURE,
    AnnounceClosure,
)
from studyspot.domain.library import RETIREMENT
from studyspot.domain.opening import SET_OPENING, SetOpening, WantedClosure
from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.refusals import (
    BookingUnaffected,
    BookingUnknown,
    ClosureBackwards,
    ClosureUnknown,
    ConsentRequired,
    LibraryClosed,
    PriceHigher,
    Refusal,
    SeatNotAlike,
    SeatOutOfService,
    SeatTaken,
    SeatUnknown,
)
from studyspot.domain.rescheduling import MOVE_AFFECTED, MoveAffected
from tests.domain.given import (
    ASHA,
    DAY,
    ELEVEN,
    HOUR,
    INSTANT,
    LIBRARY,
    NINE,
    NOON,
    NOW,
    OPEN,
    OTHER_OWNER,
    OWNER,
    RAVI,
    SEAT,
    TEN,
    book,
    booked,
    closed,
    held,
    hold,
    in_service,
    only,
    out_of_service,
    paid,
    priced,
    when,
)
from tests.domain.log import Log

BOOKED = booked(ASHA, amount_minor=10000, plan_id="hourly")
CHECKED_IN = BookingCheckedIn(**BOOKED.facts())
LATER = NOW + HOUR
ALIKE = SeatAdded(library_id="L1", seat_id="S3", label="A3", zone="general")
REMOVED = SeatRemoved(library_id="L1", seat_id="S1", revoke_at=NOW)
HOURLY = Plan(id="hourly", unit="hour", amount_minor=5000)


def revoke(at: datetime = NOW) -> RevokeAffected:
    return RevokeAffected("B0", at)


def move(seat_id: str | None = "S3", **changes: Any) -> MoveAffected:
    defaults: dict[str, Any] = {
        "booking_id": "B0",
        "seat_id": seat_id,
        "start": None,
        "end": None,
        "plan_id": None,
        "actor": OWNER,
        "at": NOW,
        "consented": True,
    }
    return MoveAffected(**(defaults | changes))


@pytest.mark.parametrize(
    ("announced", "refusal"),
    [
        (closed(TEN, NOON), LibraryClosed),
        (closed(TEN, NOON, revoke_at=None), LibraryClosed),
        (closed(TEN, NOON, revoke_at=NINE), LibraryClosed),
        (out_of_service(), SeatOutOfService),
        (out_of_service(revoke_at=NINE), SeatOutOfService),
    ],
)
def test_what_is_announced_stops_new_bookings_at_once(announced: Event, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        when(BOOK_SEAT, (*OPEN, announced), book())
    with pytest.raises(refusal):
        when(PLACE_HOLD, (*OPEN, announced), hold())


def test_a_removed_seat_is_not_there() -> None:
    with pytest.raises(SeatUnknown):
        when(BOOK_SEAT, (*OPEN, out_of_service(), REMOVED), book())


def test_a_booking_that_was_decided_before_a_closure_loses_to_it() -> None:
    closures: tuple[tuple[Any, Any], ...] = (
        (ANNOUNCE_CLOSURE, AnnounceClosure("L1", "c", TEN, None, OWNER, NOW)),
        (SET_OPENING, opening(wanted(TEN, NOON))),
    )
    for decider, command in closures:
        log = Log(OPEN)
        decided = log.decide(BOOK_SEAT, book())
        log.run(decider, command)
        assert log.has_changed(decided.boundary, after=decided.head)


@pytest.mark.parametrize(
    ("against", "reason", "closure_id"),
    [
        ((closed(TEN, NOON),), "closure", "c"),
        ((closed(TEN, None),), "closure", "c"),
        ((closed(TEN, None, closure_id=RETIREMENT),), "library-retired", RETIREMENT),
        ((out_of_service(),), "seat-out-of-service", None),
        ((out_of_service(revoke_at=LATER), REMOVED), "seat-out-of-service", None),
        ((closed(TEN, None), LibraryDeleted(library_id="L1")), "closure", "c"),
    ],
)
@pytest.mark.parametrize("arrived", [False, True])
def test_what_is_still_affected_is_revoked_with_all_that_was_paid(
    against: tuple[Event, ...], reason: str, closure_id: str | None, arrived: bool
) -> None:
    standing = (BOOKED, paid(BOOKED, 6000), *((CHECKED_IN,) if arrived else ()))
    events = when(REVOKE_AFFECTED, (*OPEN, *standing, *against), revoke())
    revoked, refund = only(BookingRevoked, events), only(PaymentRefunded, events)
    assert (revoked.reason, revoked.closure_id, revoked.status) == (reason, closure_id, "revoked")
    assert (refund.refund_minor, refund.paid_minor, refund.reason) == (6000, 0, "revoked")
    assert when(REVOKE_AFFECTED, (*OPEN, *standing, *against, *events), revoke()) == ()


@pytest.mark.parametrize("against", [closed(TEN, NOON, revoke_at=LATER), out_of_service(revoke_at=LATER)])
def test_nothing_is_revoked_before_it_was_to_be(against: Event) -> None:
    assert when(REVOKE_AFFECTED, (*OPEN, BOOKED, against), revoke(LATER - INSTANT)) == ()
    assert only(BookingRevoked, when(REVOKE_AFFECTED, (*OPEN, BOOKED, against), revoke(LATER)))


@pytest.mark.parametrize(
    ("against", "begins"),
    [
        (closed(NOW, NOON, revoke_at=NOON + DAY), NINE),
        (closed(TEN, NOON, revoke_at=NOON + DAY), TEN),
        (out_of_service(revoke_at=NOON + DAY), NINE),
    ],
)
def test_what_cannot_take_place_is_revoked_then_however_late_it_was_to_be(
    against: Event, begins: datetime
) -> None:
    standing = (*OPEN, BOOKED, *((CHECKED_IN,) if begins == TEN else ()), against)
    assert when(REVOKE_AFFECTED, standing, revoke(begins - INSTANT)) == ()
    assert only(BookingRevoked, when(REVOKE_AFFECTED, standing, revoke(begins)))


@pytest.mark.parametrize(
    "history",
    [
        (BOOKED,),
        (BOOKED, closed(TEN, None, revoke_at=None)),  # Only looks whether bookings are to come.
        (BOOKED, closed(ELEVEN, NOON)),
        (BOOKED, closed(TEN, NOON), ClosureWithdrawn(library_id="L1", closure_id="c")),
        (BOOKED, out_of_service(), in_service()),
        (BOOKED, out_of_service("S2")),
        (closed(TEN, NOON),),
        (BOOKED, BookingCancelled(**BOOKED.facts(), late=False), closed(TEN, NOON)),
    ],
)
def test_what_is_not_affected_or_not_there_is_not_revoked(history: tuple[Event, ...]) -> None:
    assert when(REVOKE_AFFECTED, (*OPEN, *history), revoke()) == ()


def test_what_is_missed_or_over_is_not_revoked() -> None:
    affected = (*OPEN, BOOKED, closed(NINE, NOON))
    assert when(REVOKE_AFFECTED, affected, revoke(BOOKED.check_in_until)) == ()
    assert when(REVOKE_AFFECTED, (*affected, CHECKED_IN), revoke(ELEVEN - INSTANT))
    assert when(REVOKE_AFFECTED, (*affected, CHECKED_IN), revoke(ELEVEN)) == ()


def test_of_two_closures_the_one_that_is_due_revokes() -> None:
    two = (closed(TEN, NOON, revoke_at=NINE), closed(NINE, TEN, closure_id="d"))
    assert only(BookingRevoked, when(REVOKE_AFFECTED, (*OPEN, BOOKED, *two), revoke())).closure_id == "d"


def test_an_affected_booking_is_moved_to_a_seat_alike_with_consent() -> None:
    history = (*OPEN, ALIKE, priced(HOURLY), BOOKED, out_of_service())
    change = only(BookingRescheduled, when(MOVE_AFFECTED, history, move()))
    assert (change.seat_id, change.start, change.end) == ("S3", NINE, ELEVEN)
    assert (change.amount_minor, change.plan_id) == (10000, "hourly")
    assert when(REVOKE_AFFECTED, (*history, change), revoke()) == ()
    with pytest.raises(ConsentRequired):
        when(MOVE_AFFECTED, history, move(consented=False))


def test_an_affected_booking_is_moved_to_another_time_and_what_is_cheaper_is_given_back() -> None:
    history = (*OPEN, priced(HOURLY), BOOKED, paid(BOOKED, 10000), closed(NINE, NOON))
    events = when(MOVE_AFFECTED, history, move(None, start=NOON, end=NOON + HOUR))
    assert only(BookingRescheduled, events).amount_minor == 5000
    assert only(PaymentRefunded, events).refund_minor == 5000
    with pytest.raises(LibraryClosed):
        when(MOVE_AFFECTED, history, move("S2"))


@pytest.mark.parametrize(
    ("changes", "more", "refusal"),
    [
        ({"seat_id": "S2"}, (), SeatNotAlike),
        ({"seat_id": "S1"}, (), SeatOutOfService),
        ({"seat_id": "S9"}, (), SeatUnknown),
        ({}, (priced(replace(HOURLY, amount_minor=5001)),), PriceHigher),
        ({"end": ELEVEN + timedelta(minutes=1)}, (), PriceHigher),
        ({}, (booked(RAVI, booking_id="B9", seat_id="S3"),), SeatTaken),
        ({}, (in_service(),), BookingUnaffected),
    ],
)
def test_an_affected_booking_is_moved_nowhere_worse(
    changes: dict[str, Any], more: tuple[Event, ...], refusal: type[Refusal]
) -> None:
    history = (*OPEN, ALIKE, priced(HOURLY), BOOKED, out_of_service(), *more)
    with pytest.raises(refusal):
        when(MOVE_AFFECTED, history, move(**changes))


def test_a_seat_is_alike_that_offers_all_that_the_other_does() -> None:
    window = replace(SEAT, attributes={"window": True, "sockets": 2})
    for attributes, alike in (
        ({"window": True, "sockets": 2}, True),
        ({"window": True, "sockets": 2, "lamp": True}, True),
        ({"window": True}, False),
        ({"window": True, "sockets": 1}, False),
    ):
        history = (LIBRARY, window, replace(ALIKE, attributes=attributes), BOOKED, out_of_service())
        if alike:
            assert when(MOVE_AFFECTED, history, move())
        else:
            with pytest.raises(SeatNotAlike):
                when(MOVE_AFFECTED, history, move())


def test_only_its_library_moves_an_affected_booking() -> None:
    history = (*OPEN, ALIKE, BOOKED, out_of_service())
    for stranger in (ASHA, RAVI, OTHER_OWNER):
        with pytest.raises(BookingUnknown):
            when(MOVE_AFFECTED, history, move(actor=stranger))


@pytest.mark.parametrize(
    "against", [closed(TEN, NOON), out_of_service(), out_of_service(revoke_at=LATER), REMOVED]
)
def test_holds_of_what_is_closed_or_out_of_service_are_released(against: Event) -> None:
    kept = held()
    release = ReleaseAffectedHold("H0", NOW)
    (released,) = when(RELEASE_AFFECTED_HOLD, (*OPEN, kept, against), release)
    assert released == HoldReleased(**kept.facts())
    assert when(RELEASE_AFFECTED_HOLD, (*OPEN, kept, against, released), release) == ()
    over = ReleaseAffectedHold("H0", kept.until)
    assert when(RELEASE_AFFECTED_HOLD, (*OPEN, kept, against), over) == (HoldLapsed(**kept.facts()),)


@pytest.mark.parametrize(
    "against",
    [(), (closed(ELEVEN, NOON),), (closed(TEN, NOON, revoke_at=None),), (out_of_service(), in_service())],
)
def test_holds_that_nothing_affects_stay(against: tuple[Event, ...]) -> None:
    release = ReleaseAffectedHold("H0", NOW)
    assert when(RELEASE_AFFECTED_HOLD, (*OPEN, held(), *against), release) == ()
    assert when(RELEASE_AFFECTED_HOLD, (*OPEN, *against), release) == ()


HOURS = (OpenHours(day="monday", opens=time(8), closes=time(20)),)


def opening(*closures: WantedClosure, at: datetime = NOW, **changes: Any) -> SetOpening:
    return replace(SetOpening("L1", False, None, closures, OWNER, at), **changes)


def wanted(
    start: datetime, end: datetime | None, *, known: bool = False, revoke_at: datetime | None = None
) -> WantedClosure:
    return WantedClosure("c", known, start, end, revoke_at)


def test_closures_are_announced_kept_changed_and_withdrawn_as_a_whole() -> None:
    (announced,) = when(SET_OPENING, OPEN, opening(wanted(TEN, NOON)))
    assert announced == closed(TEN, NOON, revoke_at=NOW)
    assert when(SET_OPENING, (*OPEN, announced), opening(wanted(TEN, NOON, known=True), at=LATER)) == ()
    (longer,) = when(SET_OPENING, (*OPEN, announced), opening(wanted(TEN, None, known=True), at=LATER))
    assert longer == closed(TEN, None, revoke_at=NOW)
    (withdrawn,) = when(SET_OPENING, (*OPEN, announced), opening())
    assert withdrawn == ClosureWithdrawn(library_id="L1", closure_id="c")
    assert when(SET_OPENING, (*OPEN, announced), opening(closures=None)) == ()


def test_a_closure_that_is_changed_revokes_when_it_was_to_unless_that_is_changed_too() -> None:
    announced = closed(TEN, NOON, revoke_at=NINE)
    history = (*OPEN, announced)
    (longer,) = when(SET_OPENING, history, opening(wanted(TEN, None, known=True)))
    assert isinstance(longer, ClosureAnnounced)
    assert longer.revoke_at == NINE
    (sooner,) = when(SET_OPENING, history, opening(wanted(TEN, NOON, known=True, revoke_at=LATER)))
    assert isinstance(sooner, ClosureAnnounced)
    assert sooner.revoke_at == LATER


def test_closures_that_are_over_stay_as_they_were() -> None:
    announced = closed(TEN, NOON)
    assert when(SET_OPENING, (*OPEN, announced), opening(at=NOON)) == ()
    assert when(SET_OPENING, (*OPEN, announced), opening(wanted(TEN, NOON, known=True), at=NOON)) == ()
    with pytest.raises(ClosureBackwards):
        when(SET_OPENING, (*OPEN, announced), opening(wanted(NINE, NOON, known=True), at=NOON))


@pytest.mark.parametrize(
    ("closure", "refusal"),
    [
        (wanted(NOON, TEN), ClosureBackwards),
        (wanted(TEN, TEN), ClosureBackwards),
        (wanted(NOW - DAY, NOW), ClosureBackwards),
        (wanted(TEN, NOON, known=True), ClosureUnknown),
        (replace(wanted(TEN, None, known=True), closure_id=RETIREMENT), ClosureUnknown),
    ],
)
def test_a_closure_that_cannot_be_is_refused(closure: WantedClosure, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        when(SET_OPENING, (*OPEN, closed(NOW, None, closure_id=RETIREMENT)), opening(closure))


def test_hours_are_set_or_left_and_a_retirement_under_way_is_not_withdrawn() -> None:
    retiring = (*OPEN, closed(NOW, None, closure_id=RETIREMENT, revoke_at=None))
    (hours,) = when(SET_OPENING, retiring, opening(set_hours=True, hours=HOURS))
    assert hours == LibraryHoursSet(library_id="L1", hours=HOURS)
    assert when(SET_OPENING, (*OPEN, hours), opening(set_hours=True, hours=HOURS)) == ()
    assert when(SET_OPENING, (*OPEN, hours), opening(hours=None)) == ()
    (always,) = when(SET_OPENING, (*OPEN, hours), opening(set_hours=True, hours=None))
    assert always == LibraryHoursSet(library_id="L1", hours=None)
