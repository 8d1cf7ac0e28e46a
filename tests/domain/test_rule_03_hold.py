"""Rule 3: a hold keeps a seat while its student decides, and is over at `until` by the clock alone."""

from dataclasses import replace
from typing import Any

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.booking_changes import CHECK_IN, CheckIn
from studyspot.domain.events import (
    BookingCreated,
    Event,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
)
from studyspot.domain.holds import LAPSE_HOLD, PLACE_HOLD, RELEASE_HOLD, LapseHold, ReleaseHold
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    HoldBookedAlready,
    HoldLapsedAlready,
    HoldMismatch,
    HoldReleasedAlready,
    HoldUnknown,
    LibraryClosed,
    NotYourLibrary,
    Refusal,
    SeatTaken,
    SeatUnknown,
    StartInThePast,
    StudentHolding,
)
from tests.domain.given import (
    ASHA,
    ELEVEN,
    HOUR,
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
    closed,
    held,
    hold,
    only,
    ruled,
    when,
)
from tests.domain.log import Log

HELD = held(ASHA)
OVER = HELD.until
LAPSED = HoldLapsed(**HELD.facts())
RELEASED = HoldReleased(**HELD.facts())
USED = booked(ASHA, occupation=HELD.occupation, hold_id="H0")


def test_a_hold_keeps_the_seat_for_five_minutes_and_its_buffer() -> None:
    placed = only(HoldPlaced, when(PLACE_HOLD, (*OPEN, ruled(buffer_minutes=10)), hold()))
    assert (placed.user_id, placed.status, placed.until) == (ASHA.user_id, "held", NOW + 5 * MINUTE)
    assert (placed.start, placed.end, placed.occupied_until) == (NINE, ELEVEN, ELEVEN + 10 * MINUTE)


def test_a_library_says_how_long_a_hold_lasts() -> None:
    placed = only(HoldPlaced, when(PLACE_HOLD, (*OPEN, ruled(hold_minutes=12)), hold()))
    assert placed.until == NOW + 12 * MINUTE


def test_what_is_held_is_taken_for_all_others_until_the_hold_is_over() -> None:
    with pytest.raises(SeatTaken):
        when(PLACE_HOLD, (*OPEN, HELD), hold(RAVI, at=OVER - INSTANT))
    with pytest.raises(SeatTaken):
        when(BOOK_SEAT, (*OPEN, HELD), book(RAVI, at=OVER - INSTANT))


@pytest.mark.parametrize("decider", [PLACE_HOLD, BOOK_SEAT])
def test_a_hold_is_over_at_its_time_and_who_relies_on_that_notes_it(decider: Any) -> None:
    command = hold(RAVI, at=OVER) if decider is PLACE_HOLD else book(RAVI, at=OVER)
    lapse, taken = when(decider, (*OPEN, HELD), command)
    assert lapse == LAPSED
    assert isinstance(taken, HoldPlaced | BookingCreated)
    (alone,) = when(decider, (*OPEN, HELD, LAPSED), command)
    assert alone == taken


def test_a_hold_that_is_over_for_another_time_is_not_relied_on() -> None:
    assert len(when(BOOK_SEAT, (*OPEN, HELD), book(RAVI, start=ELEVEN, end=NOON, at=OVER))) == 1


def test_a_student_holds_one_seat_at_a_time() -> None:
    with pytest.raises(StudentHolding) as refused:
        when(PLACE_HOLD, (*OPEN, HELD), hold(hold_id="H2", seat_id="S2", start=TEN, end=NOON))
    assert refused.value.hold_id == "H0"
    lapse, placed = when(PLACE_HOLD, (*OPEN, HELD), hold(hold_id="H2", seat_id="S2", at=OVER))
    assert (lapse, type(placed)) == (LAPSED, HoldPlaced)


def test_holding_again_what_one_holds_changes_nothing() -> None:
    assert when(PLACE_HOLD, (*OPEN, HELD), hold(hold_id="H2", at=OVER - INSTANT)) == ()
    assert len(when(PLACE_HOLD, (*OPEN, HELD), hold(hold_id="H2", at=OVER))) == 2


def test_a_hold_is_found_again_after_the_start_that_it_was_placed_for() -> None:
    walked_in = held(start=NOW - 5 * MINUTE, end=NOW + HOUR)
    again = hold(start=walked_in.start, end=walked_in.end, at=NOW + 4 * MINUTE)
    assert when(PLACE_HOLD, (*OPEN, walked_in), again) == ()
    with pytest.raises(StartInThePast):
        when(PLACE_HOLD, OPEN, again)


def test_a_hold_in_another_library_is_not_the_one_that_was_asked_for() -> None:
    with pytest.raises(SeatUnknown):
        when(PLACE_HOLD, (*OPEN, HELD, replace(LIBRARY, library_id="L2")), hold(library_id="L2"))


def test_nobody_learns_of_a_hold_by_holding_for_its_student() -> None:
    stranger = hold(OTHER_OWNER, user_id=ASHA.user_id)
    for known in ((*OPEN, HELD), OPEN):
        with pytest.raises(NotYourLibrary):
            when(PLACE_HOLD, known, stranger)


def test_a_hold_is_over_for_its_own_student_too() -> None:
    for swept in ((), (LAPSED,)):
        with pytest.raises(HoldLapsedAlready):
            when(BOOK_SEAT, (*OPEN, HELD, *swept), book(hold_id="H0", at=OVER))


def test_a_booking_from_a_hold_keeps_its_occupation() -> None:
    (created,) = when(BOOK_SEAT, (*OPEN, HELD), book(hold_id="H0", at=OVER - INSTANT))
    assert isinstance(created, BookingCreated)
    assert (created.hold_id, created.occupation) == ("H0", HELD.occupation)


def test_a_student_s_own_hold_is_used_without_naming_it() -> None:
    (created,) = when(BOOK_SEAT, (*OPEN, HELD), book())
    assert isinstance(created, BookingCreated)
    assert (created.hold_id, created.occupation) == ("H0", HELD.occupation)


def test_an_owner_books_what_the_student_holds() -> None:
    (created,) = when(BOOK_SEAT, (*OPEN, HELD), book(OWNER, user_id=ASHA.user_id))
    assert isinstance(created, BookingCreated)
    assert (created.hold_id, created.user_id) == ("H0", ASHA.user_id)


@pytest.mark.parametrize("hold_id", ["H0", None])
def test_a_booking_from_a_hold_may_come_after_the_start(hold_id: str | None) -> None:
    walked_in = held(start=NOW - 5 * MINUTE, end=NOW + HOUR)
    late = book(start=walked_in.start, end=walked_in.end, at=NOW + 4 * MINUTE, hold_id=hold_id)
    assert only(BookingCreated, when(BOOK_SEAT, (*OPEN, walked_in), late)).hold_id == "H0"


def test_a_hold_does_not_outlast_the_time_that_it_is_for() -> None:
    short = held(start=NOW, end=NOW + 2 * MINUTE)
    with pytest.raises(StartInThePast):
        when(BOOK_SEAT, (*OPEN, short), book(start=NOW, end=short.end, hold_id="H0", at=short.end))


@pytest.mark.parametrize(
    ("ended", "refusal"),
    [
        ((), HoldUnknown),
        ((HELD, LAPSED), HoldLapsedAlready),
        ((HELD, RELEASED), HoldReleasedAlready),
        ((HELD, USED), HoldBookedAlready),
        ((held(RAVI),), HoldUnknown),
        ((held(RAVI), HoldReleased(**held(RAVI).facts())), HoldUnknown),
        ((held(seat_id="S2"),), HoldMismatch),
        ((held(end=TEN),), HoldMismatch),
        ((held(start=TEN),), HoldMismatch),
    ],
)
def test_a_hold_that_is_not_there_for_this_is_not_booked(
    ended: tuple[Event, ...], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        when(BOOK_SEAT, (*OPEN, *ended), book(hold_id="H0"))


@pytest.mark.parametrize("ended", [(), (HELD,), (HELD, LAPSED), (HELD, RELEASED), (HELD, USED)])
def test_another_library_learns_nothing_of_a_student_s_hold(ended: tuple[Event, ...]) -> None:
    with pytest.raises(NotYourLibrary):
        when(BOOK_SEAT, (*OPEN, *ended), book(OTHER_OWNER, user_id=ASHA.user_id, hold_id="H0"))


@pytest.mark.parametrize("ended", [(), (HoldReleased,), (HoldLapsed,)])
def test_a_library_learns_nothing_of_what_its_student_holds_elsewhere(ended: tuple[type[Event], ...]) -> None:
    elsewhere = held(library_id="L2", seat_id="S9")
    known = (*OPEN, elsewhere, *(kind(**elsewhere.facts()) for kind in ended))
    with pytest.raises(HoldUnknown):
        when(BOOK_SEAT, known, book(OWNER, user_id=ASHA.user_id, hold_id="H0"))


def test_a_booking_from_a_hold_is_decided_by_what_is_so_then() -> None:
    with pytest.raises(LibraryClosed):
        when(BOOK_SEAT, (*OPEN, HELD, closed(TEN)), book(hold_id="H0"))


def test_what_is_held_stays_taken_for_as_long_whatever_becomes_of_the_buffer() -> None:
    next_one = booked(RAVI, start=ELEVEN, end=NOON)
    (created,) = when(BOOK_SEAT, (*OPEN, HELD, next_one, ruled(buffer_minutes=30)), book(hold_id="H0"))
    assert isinstance(created, BookingCreated)
    assert created.occupied_until == HELD.occupied_until


def test_a_hold_that_was_booked_is_never_noted_as_lapsed_where_its_buffer_reached_another_day() -> None:
    night: dict[str, Any] = {"start": NINE.replace(hour=22), "end": NINE.replace(hour=23, minute=50)}
    log = Log((*OPEN, ruled(buffer_minutes=30)))
    log.run(PLACE_HOLD, hold(**night))
    log.append((ruled(buffer_minutes=0),))
    log.run(BOOK_SEAT, book(hold_id="H1", **night))
    morning = NINE.replace(hour=0) + 24 * HOUR
    log.run(BOOK_SEAT, book(RAVI, booking_id="B2", start=morning + HOUR, end=morning + 2 * HOUR, at=NOON))
    assert not [event for event in log.events if isinstance(event, HoldLapsed)]
    with pytest.raises(SeatTaken):
        log.run(BOOK_SEAT, book(RAVI, booking_id="B3", start=morning, end=morning + HOUR, at=NOW + HOUR))


def test_a_booking_decided_just_before_a_hold_is_over_loses_to_one_decided_just_after() -> None:
    log = Log((*OPEN, HELD))
    own = log.decide(BOOK_SEAT, book(ASHA, hold_id="H0", at=OVER - INSTANT))
    log.run(BOOK_SEAT, book(RAVI, booking_id="B2", at=OVER))
    assert log.has_changed(own.boundary, after=own.head)
    with pytest.raises(HoldLapsedAlready):
        log.decide(BOOK_SEAT, book(ASHA, hold_id="H0", at=OVER - INSTANT))


def test_a_student_lets_a_hold_go() -> None:
    (released,) = when(RELEASE_HOLD, (*OPEN, HELD), ReleaseHold("H0", ASHA, NOW))
    assert released == RELEASED
    assert len(when(BOOK_SEAT, (*OPEN, HELD, RELEASED), book(RAVI))) == 1


@pytest.mark.parametrize(
    ("given_events", "refusal"),
    [
        ((), HoldUnknown),
        ((held(RAVI),), HoldUnknown),
        ((HELD, LAPSED), HoldLapsedAlready),
        ((HELD, RELEASED), HoldReleasedAlready),
        ((HELD, USED), HoldBookedAlready),
    ],
)
def test_a_hold_that_does_not_stand_is_not_let_go(
    given_events: tuple[Event, ...], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        when(RELEASE_HOLD, (*OPEN, *given_events), ReleaseHold("H0", ASHA, NOW))


def test_a_hold_that_is_over_is_not_let_go() -> None:
    with pytest.raises(HoldLapsedAlready):
        when(RELEASE_HOLD, (*OPEN, HELD), ReleaseHold("H0", ASHA, OVER))


@pytest.mark.parametrize("given_events", [(), (HELD,), (HELD, LAPSED), (HELD, RELEASED), (HELD, USED)])
def test_a_hold_exists_only_for_its_student(given_events: tuple[Event, ...]) -> None:
    for stranger in (RAVI, OTHER_OWNER, Actor("ravi", "library_owner")):
        with pytest.raises(HoldUnknown):
            when(RELEASE_HOLD, (*OPEN, *given_events), ReleaseHold("H0", stranger, NOW))


def test_a_library_lets_go_what_it_holds_for_a_student() -> None:
    assert when(RELEASE_HOLD, (*OPEN, HELD), ReleaseHold("H0", OWNER, NOW)) == (RELEASED,)


def test_a_lapse_is_noted_once_and_not_before() -> None:
    assert when(LAPSE_HOLD, (HELD,), LapseHold("H0", OVER - INSTANT)) == ()
    assert when(LAPSE_HOLD, (HELD,), LapseHold("H0", OVER)) == (LAPSED,)
    for ended in ((), (HELD, LAPSED), (HELD, RELEASED), (HELD, USED)):
        assert when(LAPSE_HOLD, ended, LapseHold("H0", OVER)) == ()


def test_a_booking_from_a_hold_is_checked_in_like_any_other() -> None:
    log = Log((*OPEN, HELD))
    log.run(BOOK_SEAT, book())
    assert len(log.run(CHECK_IN, CheckIn("B1", ASHA, NINE, code_verified=True))) == 1
