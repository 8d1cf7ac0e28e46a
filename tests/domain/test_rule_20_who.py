"""Rules 18 and 20: a command's own moment and its actor decide, and strangers learn nothing."""

from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
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
from studyspot.domain.events import BookingCheckedIn, BookingCreated, HoldPlaced, StaffAdded, StaffRemoved
from studyspot.domain.holds import PLACE_HOLD, RELEASE_HOLD, ReleaseHold
from studyspot.domain.payments import RECORD_PAYMENT, REFUND_PAYMENT, RecordPayment, RefundPayment
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    BookingUnknown,
    DeskCodeRequired,
    DeskCodeWrong,
    EndNotAfterStart,
    HoldUnknown,
    LibraryUnknown,
    NotForOthers,
    NotYourLibrary,
    StudentRequired,
)
from studyspot.domain.rescheduling import MOVE_AFFECTED, RESCHEDULE_BOOKING, MoveAffected
from studyspot.domain.seeing import SEE_BOOKING, SeeBooking
from tests.domain.given import (
    ADMIN,
    ASHA,
    DAY,
    LIBRARY,
    MINUTE,
    NINE,
    NOON,
    NOW,
    OPEN,
    OTHER_OWNER,
    OWNER,
    RAVI,
    SEAT,
    book,
    booked,
    closed,
    held,
    hold,
    only,
    reschedule,
    ruled,
    when,
)
from tests.domain.log import Log

STAFF = Actor("somebody", "staff")
DECIDERS: list[tuple[Any, Any]] = [(BOOK_SEAT, book), (PLACE_HOLD, hold)]


@pytest.mark.parametrize(("decider", "command"), DECIDERS)
def test_students_act_for_themselves_and_a_library_for_the_student_it_names(
    decider: Any, command: Any
) -> None:
    for by, named, user_id in (
        (ASHA, None, "asha"),
        (ASHA, "asha", "asha"),
        (OWNER, "asha", "asha"),
        (OWNER, "owner", "owner"),
    ):
        (taken,) = when(decider, OPEN, command(by, user_id=named))
        assert isinstance(taken, BookingCreated | HoldPlaced)
        assert taken.user_id == user_id
    with pytest.raises(NotForOthers):
        when(decider, OPEN, command(ASHA, user_id="ravi"))
    with pytest.raises(StudentRequired):
        when(decider, OPEN, command(OWNER))


@pytest.mark.parametrize(("decider", "command"), DECIDERS)
@pytest.mark.parametrize("stranger", [OTHER_OWNER, ADMIN, STAFF, Actor("owner", "admin")])
def test_whoever_does_not_run_the_library_is_told_so_before_anything_else(
    decider: Any, command: Any, stranger: Actor
) -> None:
    wish = command(stranger, user_id="asha")
    for known in (
        (),
        (booked(RAVI),),
        (booked(ASHA),),
        (held(ASHA),),
        (held(RAVI),),
        (ruled(advance_days=0, day_bookings=0),),
    ):
        with pytest.raises(NotYourLibrary):
            when(decider, (*OPEN, *known), wish)
        with pytest.raises(NotYourLibrary):
            when(decider, (LIBRARY, *known), replace(wish, seat_id="S9"))
    with pytest.raises(LibraryUnknown):
        when(decider, (SEAT,), wish)


@pytest.mark.parametrize(("decider", "command"), DECIDERS)
def test_the_moment_of_the_command_decides_and_no_other_clock(decider: Any, command: Any) -> None:
    for years in (-20, 0, 20):
        at = NOW + 365 * years * DAY
        wish = command(at=at, start=at + DAY, end=at + DAY + (NINE - NOW) / 24)
        assert when(decider, OPEN, wish) == when(decider, OPEN, replace(wish))


def test_an_instant_is_the_same_in_whatever_offset_it_is_written() -> None:
    tokyo = timezone(timedelta(hours=9))
    plain = only(BookingCreated, when(BOOK_SEAT, OPEN, book()))
    wish = book()
    other = only(
        BookingCreated,
        when(
            BOOK_SEAT,
            OPEN,
            replace(
                wish,
                start=wish.start.astimezone(tokyo),
                end=wish.end.astimezone(tokyo),
                at=wish.at.astimezone(tokyo),
            ),
        ),
    )
    for known in fields(BookingCreated):
        assert getattr(plain, known.name) == getattr(other, known.name)


@pytest.mark.parametrize(("decider", "command"), DECIDERS)
def test_a_time_that_nobody_may_take_is_refused_without_reading_anything(decider: Any, command: Any) -> None:
    for wish in (
        command(end=NINE),
        command(end=NINE + 101 * DAY),
        command(start=NOW + 400 * DAY, end=NOW + 401 * DAY),
        command(start=datetime.min.replace(tzinfo=NOW.tzinfo)),
    ):
        assert decider.boundary(wish, decider.initial()) == ()
    with pytest.raises(EndNotAfterStart):
        when(decider, OPEN, command(end=NINE))


NOW_STAFF = Actor("asha", "staff")
NOW_OWNER = Actor("asha", "library_owner")
NOW_ADMIN = Actor("asha", "admin")
WORKS_HERE = StaffAdded(library_id="L1", user_id="asha", invitation_id="I1")
BOOKED = (*OPEN, booked(ASHA))
CHECKED_IN = BookingCheckedIn(**booked(ASHA).facts())
IN_TIME = NINE + MINUTE


@pytest.mark.parametrize("actor", [ASHA, NOW_STAFF, NOW_OWNER, NOW_ADMIN])
def test_what_is_ones_own_stays_so_whatever_ones_role_becomes(actor: Actor) -> None:
    assert when(CANCEL_BOOKING, BOOKED, CancelBooking("B0", None, actor, NOW))
    assert when(CHECK_IN, BOOKED, CheckIn("B0", actor, IN_TIME, code_verified=True))
    assert when(CHECK_OUT, (*BOOKED, CHECKED_IN), CheckOut("B0", actor, IN_TIME))
    assert when(RESCHEDULE_BOOKING, BOOKED, reschedule(actor, seat_id="S2"))
    assert when(SEE_BOOKING, BOOKED, SeeBooking("B0", actor)) == ()
    assert when(RELEASE_HOLD, (*OPEN, held(ASHA)), ReleaseHold("H0", actor, NOW))


@pytest.mark.parametrize("actor", [ASHA, NOW_STAFF, NOW_OWNER, NOW_ADMIN])
def test_what_is_ones_own_gives_no_right_that_the_library_has(actor: Actor) -> None:
    acts: list[tuple[Any, Any]] = [
        (REVOKE_BOOKING, RevokeBooking("B0", "library", None, actor, NOW)),
        (RECORD_PAYMENT, RecordPayment("P1", "B0", 1, "cash", None, actor, NOW)),
        (REFUND_PAYMENT, RefundPayment("B0", 1, actor, NOW)),
        (MOVE_AFFECTED, MoveAffected("B0", "S2", None, None, None, actor, NOW, consented=True)),
    ]
    for decider, command in acts:
        with pytest.raises(BookingUnknown):
            when(decider, (*BOOKED, closed(NINE, NOON)), command)


@pytest.mark.parametrize("actor", [ASHA, NOW_STAFF, NOW_OWNER, NOW_ADMIN])
def test_the_desk_code_is_asked_of_everyone_who_does_not_run_the_library(actor: Actor) -> None:
    with pytest.raises(DeskCodeRequired):
        when(CHECK_IN, BOOKED, CheckIn("B0", actor, IN_TIME))
    with pytest.raises(DeskCodeWrong):
        when(CHECK_IN, BOOKED, CheckIn("B0", actor, IN_TIME, code_verified=False))


def test_who_works_there_needs_no_code_even_for_their_own_booking() -> None:
    assert when(CHECK_IN, (*BOOKED, WORKS_HERE), CheckIn("B0", NOW_STAFF, IN_TIME))


@pytest.mark.parametrize("stranger", [RAVI, OTHER_OWNER, ADMIN, STAFF, Actor("owner", "admin")])
def test_strangers_do_not_learn_that_there_is_a_booking(stranger: Actor) -> None:
    acts: list[tuple[Any, Any]] = [
        (CANCEL_BOOKING, CancelBooking("B0", None, stranger, NOW)),
        (CHECK_IN, CheckIn("B0", stranger, IN_TIME, code_verified=True)),
        (CHECK_OUT, CheckOut("B0", stranger, IN_TIME)),
        (REVOKE_BOOKING, RevokeBooking("B0", "library", None, stranger, NOW)),
        (RESCHEDULE_BOOKING, reschedule(stranger, seat_id="S2")),
        (RECORD_PAYMENT, RecordPayment("P1", "B0", 1, "cash", None, stranger, NOW)),
        (SEE_BOOKING, SeeBooking("B0", stranger)),
    ]
    for decider, command in acts:
        with pytest.raises(BookingUnknown):
            when(decider, BOOKED, command)
    with pytest.raises(HoldUnknown):
        when(RELEASE_HOLD, (*OPEN, held(ASHA)), ReleaseHold("H0", stranger, NOW))


def test_who_works_there_does_what_the_library_does_and_only_while_they_do() -> None:
    somebody = replace(WORKS_HERE, user_id=STAFF.user_id)
    priced_booking = booked(ASHA, amount_minor=100)
    acts: list[tuple[Any, Any]] = [
        (CANCEL_BOOKING, CancelBooking("B0", None, STAFF, NOW)),
        (CHECK_IN, CheckIn("B0", STAFF, IN_TIME)),
        (REVOKE_BOOKING, RevokeBooking("B0", "library", None, STAFF, NOW)),
        (RECORD_PAYMENT, RecordPayment("P1", "B0", 1, "cash", None, STAFF, NOW)),
        (RESCHEDULE_BOOKING, reschedule(STAFF, seat_id="S2")),
    ]
    for decider, command in acts:
        assert when(decider, (*OPEN, priced_booking, somebody), command)
        let_go = StaffRemoved(library_id="L1", user_id=STAFF.user_id)
        with pytest.raises(BookingUnknown):
            when(decider, (*OPEN, priced_booking, somebody, let_go), command)
    assert when(RELEASE_HOLD, (*OPEN, held(ASHA), somebody), ReleaseHold("H0", STAFF, NOW))
    for taking, wish in DECIDERS:
        (taken,) = when(taking, (*OPEN, somebody), wish(STAFF, user_id="asha"))
        assert isinstance(taken, BookingCreated | HoldPlaced)
        assert taken.user_id == "asha"


def test_an_act_for_the_library_depends_on_who_works_there() -> None:
    somebody = replace(WORKS_HERE, user_id=STAFF.user_id)
    acts: list[tuple[Any, Any]] = [
        (CANCEL_BOOKING, CancelBooking("B0", None, STAFF, NOW)),
        (CHECK_IN, CheckIn("B0", STAFF, IN_TIME)),
        (REVOKE_BOOKING, RevokeBooking("B0", "library", None, STAFF, NOW)),
        (RESCHEDULE_BOOKING, reschedule(STAFF, seat_id="S2")),
        (BOOK_SEAT, book(STAFF, user_id="ravi", seat_id="S2")),
        (PLACE_HOLD, hold(STAFF, user_id="ravi", seat_id="S2")),
    ]
    for decider, command in acts:
        log = Log((*BOOKED, somebody))
        decided = log.decide(decider, command)
        log.append((StaffRemoved(library_id="L1", user_id=STAFF.user_id),))
        assert log.has_changed(decided.boundary, after=decided.head)


def test_who_changes_their_own_booking_in_another_role_still_depends_on_rivals() -> None:
    log = Log(BOOKED)
    decided = log.decide(RESCHEDULE_BOOKING, reschedule(NOW_STAFF, seat_id="S2"))
    log.append((booked(RAVI, booking_id="B5", seat_id="S2"),))
    assert log.has_changed(decided.boundary, after=decided.head)
