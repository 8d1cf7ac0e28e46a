"""The judge and the fan-out, which know nothing of each other, tell the same of every event."""

from itertools import permutations
from typing import Any

import orjson
import pytest

from studyspot.catalogue.types import EVENT_CLASSES, type_of
from studyspot.checker.log import Log, judge_form
from studyspot.checker.records import Record
from studyspot.checker.rooms import rooms_of
from studyspot.checker.views import alterations, leaks, told
from studyspot.domain.events import Event
from studyspot.ws_fanout.rooms import route
from studyspot.ws_fanout.views import show
from tests.catalogue.golden import example
from tests.ws_fanout.events import message


def record_of(event: Event, envelope: dict[str, Any]) -> Record:
    stored = {key: envelope.get(key) for key in ("time", "actor", "commandid", "traceparent", "data")}
    return Record(124, "k3", type_of(type(event)), {"v": 1, **stored})


@pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=lambda event_class: event_class.__name__)
def test_the_frames_of_every_event_are_what_the_judge_expects(event_class: type[Event]) -> None:
    event = example(event_class)
    envelope = orjson.loads(message(124, event).body)
    record, routed = record_of(event, envelope), route(event)
    people = Log([record]).people

    expected = rooms_of(record)

    assert set(routed.sights) == set(expected)
    for room, sight in routed.sights.items():
        shown = show(sight.view, envelope, routed.state, str.upper)
        frame = {"type": "event", "name": sight.name, "position": 124, "rooms": [room], "event": shown}
        of_view = told(record, expected[room])
        assert list(leaks(frame, expected[room], of_view, people)) == [], room
        assert list(alterations(frame, record, of_view)) == [], room
    for one, other in permutations(routed.sights, 2):
        is_less = routed.sights[one].view.richness < routed.sights[other].view.richness
        assert is_less is (expected[one] < expected[other]), "of several rooms, both take the same view"


@pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=lambda event_class: event_class.__name__)
def test_the_judge_needs_no_field_that_events_do_not_have(event_class: type[Event]) -> None:
    event = example(event_class)
    record = record_of(event, orjson.loads(message(124, event).body))
    assert [str(finding) for finding in judge_form(Log([record]))] == []
