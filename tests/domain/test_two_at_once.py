"""Two people decide from the same log; one is first, the other's condition may fail: as if one had waited."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from studyspot.domain.events import Event
from studyspot.domain.refusals import Refusal
from studyspot.domain.rules import BookingRules
from tests.domain.audit import audit
from tests.domain.given import MINUTE
from tests.domain.log import Decided, Log
from tests.domain.meanings import command_of, walk
from tests.domain.steps import RULES, Step, histories, steps
from tests.domain.town import Town

MOMENT = timedelta(seconds=1)
APART = (timedelta(0), MOMENT, MINUTE, 30 * MINUTE)
"""How long before the second the first was decided: a deadline may lie between."""


@settings(max_examples=120, deadline=None)
@given(RULES, histories(), steps(), steps(), st.sampled_from(APART), st.booleans())
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
