"""Whatever people do, in whatever order, swept or not: what is true of the log afterwards."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.events import (
    BookingCompleted,
    BookingNoShow,
    Event,
    HoldLapsed,
    PaymentEvent,
    WaitlistLeft,
    WaitlistOfferLapsed,
)
from studyspot.domain.holds import PLACE_HOLD
from studyspot.domain.refusals import Refusal
from studyspot.domain.rescheduling import MOVE_AFFECTED, RESCHEDULE_BOOKING
from studyspot.domain.rules import BookingRules
from studyspot.domain.waitlist import JOIN_WAITLIST, OFFER_PLACE
from tests.domain.audit import audit, quotas_are_kept
from tests.domain.line_audit import audit_line
from tests.domain.meanings import command_of, take, walk
from tests.domain.steps import RULES, Step, histories
from tests.domain.town import LIBRARIES, Town

ZONES = {library.library_id: library.time_zone for library in LIBRARIES}
BY_THE_CLOCK = HoldLapsed | BookingNoShow | BookingCompleted
BY_DAYS_AND_WEEKS = (BOOK_SEAT, PLACE_HOLD, RESCHEDULE_BOOKING, MOVE_AFFECTED, JOIN_WAITLIST, OFFER_PLACE)


@settings(max_examples=60, deadline=None)
@given(RULES, histories())
def test_nothing_overlaps_nor_exceeds_a_quota_and_every_life_and_ledger_is_in_order(
    rules: BookingRules, history: list[Step]
) -> None:
    town = Town(rules)
    for outcome in walk(town, history):
        audit(town.log.events, town.at)
        in_turn = outcome.decider is not MOVE_AFFECTED
        audit_line(town.log.events, outcome.events, town.at, in_turn=in_turn)
        quotas_are_kept(town.log.events, town.at, rules, ZONES)


@settings(max_examples=60, deadline=None)
@given(RULES, histories())
def test_every_command_fares_the_same_whether_or_not_deadlines_were_swept(
    rules: BookingRules, history: list[Step]
) -> None:
    plain, swept = Town(rules), Town(rules, swept=True)
    for step in history:
        one, other = take(plain, step), take(swept, step)
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert (one.refusal is None) == (other.refusal is None), (one, other)
            assert _chosen(one.events) == _chosen(other.events)
    plain.sweep()
    by_the_clock = [event for event in plain.log.events if _is_by_the_clock(event)]
    assert len(by_the_clock) == sum(map(_is_by_the_clock, swept.log.events))
    assert all(event in swept.log.events for event in by_the_clock)


@settings(max_examples=60, deadline=None)
@given(RULES, histories())
def test_what_a_decision_reads_decides_as_all_that_is_known_would(
    rules: BookingRules, history: list[Step]
) -> None:
    town = Town(rules)
    for step in history:
        town.wait(step.pause)
        made = command_of(town, step)
        if made is None:
            continue
        if made[0] in BY_DAYS_AND_WEEKS:
            try:
                by_all = town.log.decide_by_all(*made)
            except Refusal as refusal:
                with pytest.raises(type(refusal)):
                    town.log.decide(*made)
            else:
                assert town.log.decide(*made).events == by_all
        town.run(*made)


def _chosen(events: list[Event] | tuple[Event, ...]) -> list[Event]:
    """Return what somebody did, without what only the clock did.

    A payment tells the booking's status as the log has it, so that of one that is missed says less unswept.
    """
    return [
        replace(event, status="confirmed") if isinstance(event, PaymentEvent) else event
        for event in events
        if not _is_by_the_clock(event)
    ]


def _is_by_the_clock(event: Event) -> bool:
    """Say whether time did this; an offer that lapsed may have been let go, which its hold tells."""
    if isinstance(event, WaitlistLeft):
        return event.reason == "over"
    return isinstance(event, BY_THE_CLOCK | WaitlistOfferLapsed)
