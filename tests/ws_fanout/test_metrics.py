"""What a node tells Prometheus."""

from datetime import timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry

from studyspot.ws_fanout.language import Wire
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.metrics import FanoutMetrics, Sample
from studyspot.ws_fanout.readout import sample_of
from tests.ws_fanout.door import opened
from tests.ws_fanout.events import booked, one_of_each
from tests.ws_fanout.live import connected, fanout_at, log_at, until, wire
from tests.ws_fanout.node import Client, Node, since

LATENCY = "commit_to_socket_seconds"


class Counted:
    """A node of a test, with a registry of its own."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.registry = CollectorRegistry()
        self.node = Node(limits, metrics=FanoutMetrics(self.registry))

    def __getitem__(self, name: str) -> float:
        return self.of(name)

    def of(self, name: str, **labels: str) -> float:
        """Return what has been counted so far, when it is next told."""
        self.node.hub.tick()
        return self.registry.get_sample_value(f"studyspot_fanout_{name}", labels) or 0.0

    async def sample(self, *, stream_head: int) -> Sample:
        return await sample_of(self.node.hub, stream_head=stream_head, now=self.node.now.time)


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_a_delivery_is_counted_for_each_socket_that_gets_the_event(counted: Counted) -> None:
    clients = [counted.node.connect(f"s{number}", rooms=["library:L1"])[0] for number in range(3)]
    before = [len(client.received) for client in clients]

    counted.node.publish(booked(student="s1", booking="B1"), booked(student="s9", booking="B2"))
    counted.node.publish(booked("L2", student="s8", booking="B3"))

    assert counted["deliveries_total"] == 6
    written = sum(len(client.received) for client in clients) - sum(before)
    assert counted["delivered_bytes_total"] == written


def test_what_is_served_from_the_log_is_delivered_as_well_and_its_source_is_counted(counted: Counted) -> None:
    counted.node.publish(*(booked(student="s9", booking=f"B{number}") for number in range(5)))

    counted.node.connect("s1", rooms=["library:L1"], since=since(2))

    assert counted["deliveries_total"] == 3
    assert counted.of("replays_total", source="window") == 1
    assert counted.of("replays_total", source="stream") == 0


def test_a_replay_beyond_the_window_is_one_of_the_stream() -> None:
    counted = Counted(Limits(window_events=2))
    counted.node.publish(*(booked(student="s9", booking=f"B{number}") for number in range(5)))

    counted.node.connect("s1", rooms=["library:L1"], since=since(0))

    assert counted["deliveries_total"] == 5
    assert counted.of("replays_total", source="stream") == 1


async def test_a_reader_that_falls_behind_is_counted_and_seen_until_it_has_caught_up() -> None:
    counted = Counted(Limits(unsent_bytes=1000))
    client, peer = counted.node.connect("s1", rooms=["library:L1"])
    client.reads, client.full_bytes = False, 500
    for number in range(10):
        counted.node.publish(booked(student="s9", booking=f"B{number}"))

    assert counted["behind_total"] == 1
    assert (await counted.sample(stream_head=10)).behind == 1

    client.reads = True
    counted.node.read(client, peer)
    assert (await counted.sample(stream_head=10)).behind == 0
    assert counted["deliveries_total"] == 10


def test_joins_and_errors_are_counted_by_their_codes(counted: Counted) -> None:
    _, peer = counted.node.connect("s1", rooms=["library:L1", "user:s2"])
    counted.node.send(peer, {"type": "join", "rooms": ["library:L2", "library:L3", "nonsense"]})
    counted.node.send(peer, {"type": "dance"})
    counted.node.send(peer, {"type": "refresh", "token": "nonsense"})

    assert counted.of("joins_total", outcome="joined") == 3
    assert counted.of("joins_total", outcome="room-forbidden") == 1
    assert counted.of("joins_total", outcome="room-unknown") == 1
    assert counted.of("errors_total", code="unknown-frame") == 1
    assert counted.of("errors_total", code="token-refused") == 1


def test_the_age_of_an_event_at_its_first_socket_is_recorded_once(counted: Counted) -> None:
    for number in range(5):
        counted.node.connect(f"s{number}", rooms=["library:L1"])
    now = counted.node.now.time

    counted.node.publish(booked(student="s1", booking="B1"), time=now - timedelta(milliseconds=20))
    counted.node.publish(booked(student="s2", booking="B2"), time=now - timedelta(milliseconds=40))
    counted.node.publish(booked("L2", student="s9", booking="B3"), time=now - timedelta(seconds=50))

    assert counted[f"{LATENCY}_count"] == 2
    assert counted[f"{LATENCY}_sum"] == pytest.approx(0.06)


def test_how_long_a_client_did_not_read_is_no_age_of_an_event() -> None:
    counted = Counted(Limits(unsent_bytes=1000))
    client, peer = counted.node.connect("s1", rooms=["library:L1"])
    client.reads, client.full_bytes = False, 500
    for number in range(10):
        counted.node.publish(booked(student="s9", booking=f"B{number}"), time=counted.node.now.time)
    counted.node.pass_time(timedelta(seconds=10))
    client.reads = True
    counted.node.read(client, peer)

    counted.node.publish(booked(student="s9", booking="B10"), time=counted.node.now.time)

    assert counted["behind_total"] == 1
    assert counted[f"{LATENCY}_sum"] == 0


def test_a_clock_that_is_ahead_of_ours_makes_no_negative_age(counted: Counted) -> None:
    counted.node.connect("s1")

    counted.node.publish(booked(student="s1"), time=counted.node.now.time + timedelta(seconds=5))

    assert (counted[f"{LATENCY}_count"], counted[f"{LATENCY}_sum"]) == (1, 0)


async def test_a_sample_tells_how_the_node_is(counted: Counted) -> None:
    node = counted.node
    node.open()
    node.hub.open(Client(), Wire.SOCKET_IO)
    client, _ = node.connect("s1", rooms=["library:L1"])
    node.publish(*(booked(student="s9", booking=f"B{number}") for number in range(5)))
    client.unread += b"x" * 500
    node.hub.tell_staleness(node.now.time - timedelta(seconds=7))
    node.hub.tick()

    sample = await counted.sample(stream_head=8)
    node.hub.metrics.look(sample)

    assert sample.sockets == {"studyspot.v1": 2, "socket.io": 1}
    assert (sample.rooms, sample.unsent_bytes) == (4, 500)
    assert (sample.head, sample.lag_events, sample.window_events) == (5, 3, 5)
    assert sample.stale_seconds == 7
    assert counted["lag_events"] == 3
    assert counted.of("sockets", protocol="socket.io") == 1


async def test_sockets_are_counted_by_the_code_that_they_end_with() -> None:
    async with opened() as door:
        async with connected(door.port, "s1"), wire(door.port) as stranger:
            await stranger.send("nonsense")
            assert await stranger.closed() == 4502
        async with connected(door.port, "s2") as client:
            await client.connection.close(3456)
        async with connected(door.port, "s3") as client:
            client.connection.transport.abort()

        for code in ("4502", "1000", "other", "1006"):
            await until(lambda code=code: door.counted("closes_total", code=code) == 1)  # type: ignore[misc]


async def test_health_and_readiness_tell_the_same_of_a_node(nats_url: str) -> None:
    async with log_at(nats_url) as log, fanout_at(nats_url) as fanout:
        await log.append(*one_of_each())
        await until(lambda: fanout.hub.head == len(one_of_each()))
        async with connected(fanout.port, "s1"), httpx.AsyncClient() as http:
            health = (await http.get(f"http://127.0.0.1:{fanout.port}/health")).json()
            readiness = fanout.readiness()

        assert readiness.ready
        assert readiness.details.items() <= health.items()
        assert health["streamHead"] == health["head"] == len(one_of_each())
        assert (health["lag"], health["sockets"], health["rooms"]) == (0, 1, 3)
        assert health["rightsPosition"] == health["head"]
        assert (health["ready"], health["draining"]) == (True, False)
