"""What `studyspot doctor` finds out about a fan-out, by a socket of its own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from studyspot.console.doctor import fanout_finding
from studyspot.console.round_trip import RoundTripFailed, round_trip
from studyspot.embedded.ports import free_port
from studyspot.settings import OwnSettings, Settings
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.door import Door, opened
from tests.ws_fanout.events import booked
from tests.ws_fanout.people import KEY


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    KEY.save(tmp_path / "key.pem")
    return OwnSettings(home=tmp_path, signing_key=tmp_path / "key.pem", fanout_port=free_port())


def at(door: Door, settings: Settings) -> Settings:
    return settings.model_copy(update={"fanout_port": door.port})


async def test_a_socket_connects_joins_and_is_answered(settings: Settings) -> None:
    async with opened() as door:
        door.publish(booked())

        node = await round_trip("127.0.0.1", door.port, settings)
        finding = await fanout_finding(at(door, settings))

        assert (node.head, node.lag, node.stale_since) == (1, 0, None)
        assert 0 < node.took.total_seconds() < 5
        assert door.counted("joins_total", outcome="joined") == 2
        assert finding.well
        assert "joined, round trip" in finding.found


async def test_a_node_that_has_lost_the_stream_is_not_well_though_it_answers(settings: Settings) -> None:
    async with opened() as door:
        door.hub.tell_staleness(datetime(2026, 12, 1, 9, tzinfo=UTC))

        finding = await fanout_finding(at(door, settings))

        assert not finding.well
        assert "since 2026-12-01T09:00:00" in finding.found
        assert finding.mend is not None
        assert "NATS" in finding.mend


async def test_a_node_that_lags_is_not_well_and_says_by_how_much(settings: Settings) -> None:
    async with opened() as door:
        door.stream_head = 5000

        finding = await fanout_finding(at(door, settings))

        assert not finding.well
        assert "5000 events behind" in finding.found


@pytest.mark.parametrize(("ready", "limits"), [(False, Limits()), (True, Limits(sockets=0))])
async def test_a_node_that_lets_nobody_in_says_why(settings: Settings, ready: bool, limits: Limits) -> None:
    async with opened(limits) as door:
        door.ready = ready

        with pytest.raises(RoundTripFailed, match="503: This node"):
            await round_trip("127.0.0.1", door.port, settings)


async def test_no_node_at_all_is_said_plainly(settings: Settings) -> None:
    finding = await fanout_finding(settings)

    assert not finding.well
    assert str(settings.fanout_port) in finding.found
    assert finding.mend == "Start `studyspot fanout`, and look at its log."
