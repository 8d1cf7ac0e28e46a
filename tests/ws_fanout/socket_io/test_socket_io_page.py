"""The page about Socket.IO says what its packets say."""

import re
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from studyspot.domain.events import Event
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.socket_io.payloads import packets
from tests.ws_fanout.events import (
    START,
    announced,
    booked,
    library_created,
    library_updated,
    notified,
    one_of_each,
    pricing_updated,
)
from tests.ws_fanout.socket_io.stage import Stage

PAGE = (Path(__file__).parents[3] / "docs" / "socket-io.md").read_text(encoding="utf-8")
AT = START + timedelta(seconds=1.25)


def example(name: str) -> object:
    """Return the payload that the page shows for this name."""
    found = re.search(rf"^{name} (\{{.*(?:\n  .*)*)", PAGE, re.MULTILINE)
    assert found is not None, name
    return orjson.loads(found[1])


@pytest.mark.parametrize(
    ("event", "room"),
    [
        (booked(), "user:s1"),
        (booked(), "library:L1"),
        (pricing_updated(), "library:L1"),
        (library_updated(), "library:L1"),
        (notified(), "user:s1"),
        (announced(), "everyone"),
    ],
    ids=lambda part: part if isinstance(part, str) else type(part).__name__,
)
def test_its_examples_are_what_is_told(event: Event, room: str) -> None:
    stage = Stage(library_created())
    position = stage.happen(event)

    ((name, payload),) = packets(stage.events[position], (room,), stage.scene, {"s1": "Asha"}.__getitem__, AT)

    assert payload == example(name)


def test_every_name_is_there() -> None:
    stage = Stage()
    for event in one_of_each():
        position = stage.happen(event)
        for name, _ in stage.told(position, *stage.events[position].route.sights, at=AT):
            assert f"`{name}`" in PAGE


def test_what_other_owners_are_told_is_named_whole() -> None:
    ((_, payload),) = Stage().tell(booked(), "role:library_owner", at=AT)

    assert "| other owners | where and when: " + ", ".join(f"`{key}`" for key in payload) + " |" in PAGE


def test_how_much_a_node_reads_is_what_its_window_holds() -> None:
    events = f"{Limits().window_events:,}".replace(",", " ")
    assert f"learns from the newest {events} events" in " ".join(PAGE.split())
