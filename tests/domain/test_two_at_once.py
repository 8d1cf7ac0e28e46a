"""Two people decide from the same log; one is first, the other's condition may fail: as if one had waited."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.booking_changes import CANCEL_BOOKING, CHECK_IN, CancelBooking, CheckIn
from studyspot.domain.events import BookingTerms, Event, HoldPlaced
from studyspot.domain.holds import PLACE_HOLD
from studyspot.domain.people import Actor
from studyspot.domain.refusals import Refusal
from studyspot.domain.rules import BookingRules
from tests.domain.audit import audit, taken_at
from tests.domain.given import HOUR, MINUTE, book, hold
from tests.domain.log import Decided, Log
from tests.domain.meanings import command_of, walk
from tests.domain.steps import RULES, Step, histories, in_line, steps
from tests.domain.town import Town

MOMENT = timedelta(seconds=1)
APART = (timedelta(0), MOMENT, MINUTE, 30 * MINUTE)
"""How long before the second the first was decided: a deadline may lie between."""


@settings(max_examples=120, deadline=None)
@given(RULES, histories(), steps() | in_line(), steps() | in_line(), st.sampled_from(APART), st.booleans())
def test_two_decisions_from_one_head_end_as_some_serial_order_would(
    rules: BookingRules, history: list[Step], one: Step, other: Step, apart: timedelta, first_wins: bool
) -> None:
    town = Town(rules)
    for _ in walk(town, history):
        pass
    before = list(town.log.events)
    town.wait(one.pause)
    early = command_of(town, one)
    town.wait(apart)
    late = command_of(town, other)
    if early is None or late is None:
        return
    serial = [_one_by_one(before, early, late), _one_by_one(before, late, early)]
    raced = _at_once(before, early, late) if first_wins else _at_once(before, late, early)
    assert raced in serial
    audit(raced, town.at)


@settings(max_examples=100, deadline=None)
@given(RULES, histories(), st.integers(0, 5), st.booleans(), st.booleans(), st.booleans())
def test_who_comes_just_before_a_deadline_and_who_takes_the_seat_at_it_end_as_in_some_order(
    rules: BookingRules, history: list[Step], which: int, first_wins: bool, cancels: bool, holds: bool
) -> None:
    town = Town(rules)
    for _ in walk(town, history):
        pass
    before = list(town.log.events)
    waiting = [facts for facts in taken_at(before, town.at) if isinstance(facts, HoldPlaced | BookingTerms)]
    if not waiting:
        return
    there = waiting[which % len(waiting)]
    deadline = there.until if isinstance(there, HoldPlaced) else there.check_in_until
    early = _in_time(there, max(town.at, deadline - MOMENT), cancels)
    late = _as_soon_as_it_is_free(there, deadline, holds)
    serial = [_one_by_one(before, early, late), _one_by_one(before, late, early)]
    raced = _at_once(before, early, late) if first_wins else _at_once(before, late, early)
    assert raced in serial
    audit(raced, deadline)


def _as_soon_as_it_is_free(there: HoldPlaced | BookingTerms, at: datetime, holds: bool) -> tuple[Any, Any]:
    """Return how another student takes the seat at the deadline, for a time that is still to come."""
    place: dict[str, Any] = {"library_id": there.library_id, "seat_id": there.seat_id, "at": at}
    somebody = Actor("somebody", "student")
    start = max(at, there.start)
    if holds:
        return PLACE_HOLD, hold(somebody, hold_id="at-it", start=start, end=start + HOUR, **place)
    return BOOK_SEAT, book(somebody, booking_id="at-it", start=start, end=start + HOUR, **place)


def _in_time(there: HoldPlaced | BookingTerms, at: datetime, cancels: bool) -> tuple[Any, Any]:
    """Return what the student still does with what is about to be over."""
    student = Actor(there.user_id, "student")
    if isinstance(there, HoldPlaced):
        return BOOK_SEAT, book(
            student,
            booking_id="from-hold",
            library_id=there.library_id,
            seat_id=there.seat_id,
            start=there.start,
            end=there.end,
            hold_id=there.hold_id,
            at=at,
        )
    if cancels:
        return CANCEL_BOOKING, CancelBooking(there.booking_id, None, student, at)
    return CHECK_IN, CheckIn(there.booking_id, student, at, code_verified=True)


def _one_by_one(before: list[Event], *commands: tuple[Any, Any]) -> list[Event]:
    log = Log(before)
    for command in commands:
        decided = _decided(log, command)
        log.append(decided.events if decided else ())
    return log.events


def _at_once(before: list[Event], winner: tuple[Any, Any], loser: tuple[Any, Any]) -> list[Event]:
    """Decide both from the same head, append one after the other; who lost decides again."""
    log = Log(before)
    first, second = _decided(log, winner), _decided(log, loser)
    log.append(first.events if first else ())
    # A refusal appends nothing, and stands as it was decided.
    if second is not None and second.events and log.has_changed(second.boundary, after=second.head):
        second = _decided(log, loser)
    log.append(second.events if second else ())
    return log.events


def _decided(log: Log, command: tuple[Any, Any]) -> Decided | None:
    try:
        return log.decide(*command)
    except Refusal:
        return None
