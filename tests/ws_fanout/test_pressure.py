"""What all clients together have yet to read is bounded: first each gets less, then the slowest go."""

import socket
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.pressure import Pressure, Relief
from studyspot.ws_fanout.socket import Socket
from tests.ws_fanout.door import opened
from tests.ws_fanout.events import booked, library_updated
from tests.ws_fanout.live import connected, until
from tests.ws_fanout.node import Client, Node

LIMITS = Limits(unsent_bytes=400, unsent_bytes_under_pressure=100, unsent_bytes_in_all=1000)


def stalled(node: Node, *unsent: int) -> tuple[list[Client], list[Peer]]:
    """Sockets that have so much yet to read."""
    clients, peers = [], []
    for number, size in enumerate(unsent):
        client, peer = node.connect(f"s{number}", rooms=["library:L1"])
        client.reads = False
        client.unread += b"x" * size
        clients.append(client)
        peers.append(peer)
    return clients, peers


def looked_at(node: Node, limits: Limits) -> tuple[Pressure, Relief]:
    pressure = Pressure(limits)
    return pressure, pressure.look(node.hub.peers)


@pytest.mark.parametrize(
    ("unsent", "limit"), [((), 400), ((500,), 400), ((500, 250), 250), ((1000,), 100), ((3000,), 100)]
)
def test_the_more_is_unread_in_all_the_less_of_it_may_be_one_sockets(
    node: Node, unsent: tuple[int, ...], limit: int
) -> None:
    stalled(node, *unsent)

    pressure, _ = looked_at(node, LIMITS)

    assert pressure.unsent_bytes == sum(unsent)
    assert pressure.unsent_limit_bytes == limit


def test_up_to_the_bound_nobody_goes(node: Node) -> None:
    stalled(node, 400, 300, 300)

    assert looked_at(node, LIMITS)[1] == Relief()


def test_beyond_the_bound_those_with_the_most_to_read_go_until_there_is_room_again(node: Node) -> None:
    _, peers = stalled(node, 100, 400, 200, 300, 150)

    assert looked_at(node, LIMITS)[1] == Relief(close=[peers[1]], cut_off=[])


def test_those_that_are_going_already_are_cut_off_before_others_are_closed(node: Node) -> None:
    clients, peers = stalled(node, 600, 500)
    node.hub.close(peers[0], CloseCode.TOO_SLOW, "slow")

    assert looked_at(node, LIMITS)[1] == Relief(close=[], cut_off=[peers[0]])
    assert clients[1].closed is None


def test_a_socket_that_is_closed_for_pressure_is_told_to_resume_and_others_go_on() -> None:
    node = Node(Limits(unsent_bytes_in_all=10_000))
    clients, _ = stalled(node, 9000, 3000)
    reader, _ = node.connect("s9", rooms=["library:L1"])

    node.hub.tick()
    node.publish(booked())

    assert clients[0].closed is not None
    assert clients[0].closed[0] == CloseCode.TOO_SLOW
    assert clients[1].closed is None
    assert [frame["position"] for frame in reader.frames() if frame["type"] == "event"] == [1]


def test_near_the_bound_a_socket_is_left_to_the_log_sooner() -> None:
    node = Node(replace(LIMITS, unsent_bytes=20_000, unsent_bytes_in_all=12_000))
    client, peer = node.connect("s1", rooms=["library:L1"])
    client.reads, client.full_bytes = False, 1000
    client.unread += b"x" * 10_000
    node.publish(booked(booking="B1"))
    assert not peer.session.is_behind

    node.hub.tick()
    node.publish(booked(booking="B2"))

    assert peer.session.is_behind


async def test_many_who_do_not_read_cost_a_bounded_number_of_bytes_and_readers_get_everything() -> None:
    large = replace(library_updated(), amenities=tuple("x" * 120 for _ in range(50)))
    in_all = 1024 * 1024
    limits = Limits(unsent_bytes_in_all=in_all, window_bytes=100_000)
    async with opened(limits) as door, AsyncExitStack() as stack:
        reader = await stack.enter_async_context(connected(door.port, "reader"))
        for number in range(30):
            client = await stack.enter_async_context(connected(door.port, f"s{number}"))
            client.connection.transport.pause_reading()
            stack.callback(client.connection.transport.abort)
        for peer in door.hub.peers:
            takes_little(peer)

        most = 0
        for position in range(10, 1010, 10):
            door.publish(*[large] * 10)
            await reader.receive_until("event", position=position)
            most = max(most, sum(peer.outlet.unsent_bytes() for peer in door.hub.peers))

        assert reader.positions == list(range(1, 1001))
        # Each by itself might have 256 KiB; some are written between two looks.
        assert in_all / 2 < most < 3 * in_all < 30 * limits.unsent_bytes
        await until(lambda: door.counted("closes_total", code="4008") > 0)
        assert door.hub.socket_count > 1


def takes_little(peer: Peer) -> None:
    """Let the system take little of what is written to a client that does not read it."""
    assert isinstance(peer.outlet, Socket)
    system_socket = peer.outlet.transport.get_extra_info("socket")
    system_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
