"""A client that does not read costs a bounded number of bytes, delays nobody, and misses nothing."""

from datetime import timedelta

import pytest

from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.routed import routed
from tests.ws_fanout.events import booked, message
from tests.ws_fanout.node import Client, Node

LIMIT = 4000


@pytest.fixture
def node() -> Node:
    return Node(Limits(unsent_bytes=LIMIT))


def positions(client: Client) -> list[int]:
    return [frame["position"] for frame in client.frames() if frame["type"] == "event"]


def test_what_a_stalled_reader_has_yet_to_read_is_bounded_and_others_go_on(node: Node) -> None:
    stalled, _ = node.connect("s1", rooms=["library:L1"])
    other, _ = node.connect("s2", rooms=["library:L1"])
    stalled.reads, stalled.full_bytes = False, 1000

    for number in range(500):
        node.publish(booked(student="s9", booking=f"B{number}"))

    assert stalled.unsent_bytes() < LIMIT + 500
    assert positions(other) == list(range(1, 501))


def test_a_reader_that_was_behind_is_told_so_and_then_gets_all_it_missed_in_order(node: Node) -> None:
    client, peer = node.connect("s1", rooms=["library:L1"])
    client.reads, client.full_bytes = False, 1000
    for number in range(100):
        node.publish(booked(student="s9", booking=f"B{number}"))

    client.reads = True
    node.read(client, peer)
    node.publish(booked(student="s9", booking="B100"))

    frames = client.frames()
    [at] = [index for index, frame in enumerate(frames) if frame["type"] == "behind"]
    assert frames[at]["position"] == frames[at - 1]["position"]
    assert frames[at + 1]["position"] == frames[at]["position"] + 1
    assert positions(client) == list(range(1, 102))
    assert frames[-2]["type"] == "caught-up"
    assert frames[-2]["position"] == 100


def test_a_heartbeat_to_a_reader_that_is_behind_promises_only_what_was_written(node: Node) -> None:
    client, _ = node.connect("s1", rooms=["library:L1"])
    client.reads, client.full_bytes = False, 1000
    for number in range(100):
        node.publish(booked(student="s9", booking=f"B{number}"))
    node.pass_time(timedelta(seconds=25))

    client.received, client.unread = client.received + client.unread, bytearray()

    heartbeat = client.frames()[-1]
    assert heartbeat["type"] == "heartbeat"
    assert heartbeat["position"] == positions(client)[-1] < 100


def test_a_reader_that_is_behind_and_takes_nothing_is_closed_to_resume(node: Node) -> None:
    client, peer = node.connect("s1", rooms=["library:L1"])
    client.reads, client.full_bytes = False, 1000
    for number in range(100):
        node.publish(booked(student="s9", booking=f"B{number}"))

    node.pass_time(timedelta(seconds=25))
    node.hub.heard_pong(peer)
    node.pass_time(timedelta(seconds=4))
    assert client.closed is None
    node.pass_time(timedelta(seconds=1))

    assert client.closed is not None
    assert client.closed[0] == CloseCode.TOO_SLOW


def test_one_event_larger_than_the_bound_still_reaches_a_reader_with_nothing_unread(node: Node) -> None:
    node = Node(Limits(unsent_bytes=10))
    client, _ = node.connect("s1", rooms=["library:L1"])

    node.publish(booked(student="s9"))

    assert positions(client) == [1]


def test_a_big_room_does_not_keep_a_small_one_waiting(node: Node) -> None:
    big = [node.connect(f"s{number}", rooms=["library:L1"])[0] for number in range(1000)]
    small, _ = node.connect("s9999", rooms=["library:L2"])

    node.hub.publish([routed(message(1, booked("L1", "t1", "B1")))])
    node.hub.publish([routed(message(2, booked("L2", "t1", "B2")))])

    assert positions(small) == [2]
    waiting = sum(not positions(client) for client in big)
    assert waiting > 500
    node.settle()
    assert all(positions(client) == [1] for client in big)


def test_what_has_arrived_together_is_one_write_with_the_same_bytes_for_all(node: Node) -> None:
    clients = [node.connect(f"s{number}", rooms=["library:L1"])[0] for number in range(3)]
    for client in clients:
        client.writes.clear()

    node.publish(*(booked(student="t1", booking=f"B{number}") for number in range(10)))

    assert [len(client.writes) for client in clients] == [1, 1, 1]
    assert clients[0].writes[0] is clients[1].writes[0] is clients[2].writes[0]


def test_who_asks_on_and_on_and_reads_no_answer_is_closed(node: Node) -> None:
    node = Node(Limits(frames_at_once=10**6))
    client, peer = node.connect("s1")
    client.reads = False

    for number in range(1000):
        node.send(peer, {"type": "join", "id": number, "rooms": [f"user:u{index}" for index in range(100)]})

    assert client.closed is not None
    assert client.closed[0] == CloseCode.TOO_SLOW
    assert client.unsent_bytes() < 2**20
