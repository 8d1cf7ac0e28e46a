"""A client may join as many rooms one by one as it likes: that is its own time, and nobody else's."""

from collections.abc import Callable
from itertools import pairwise

import orjson
import pytest

from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.peers import Peer
from tests.ws_fanout.events import service_changed
from tests.ws_fanout.node import Client, Node, events, kinds, since

LIBRARIES = 40
MISSED = 20
A_TURN = 256


def library(number: int) -> str:
    return f"library:L{number}"


def missed(node: Node, count: int = MISSED) -> None:
    for _ in range(count):
        node.publish(*(service_changed(f"L{number}") for number in range(LIBRARIES)))


def join_each(node: Node, after: Callable[[int], int], **connect: object) -> tuple[Client, Peer]:
    """Connect and join every library by a frame of its own, before the node has a turn."""
    client = Client()
    peer = node.hub.open(client)
    node.hub.receive(peer, orjson.dumps({"type": "connect", "token": node.token("s1"), **connect}).decode())
    for number in range(LIBRARIES):
        frame = {"type": "join", "rooms": [library(number)], "since": since(after(number))}
        node.hub.receive(peer, orjson.dumps(frame).decode())
    return client, peer


def test_a_turn_of_a_client_is_bounded_however_many_rooms_it_joins() -> None:
    node = Node(Limits(frames_at_once=200))
    missed(node)
    client, _ = join_each(node, lambda number: number)

    served, more = [0], True
    while more:
        more = node.hub.step()
        served.append(len(events(client)))

    assert max(now - before for before, now in pairwise(served)) <= A_TURN
    assert served[-1] == LIBRARIES * MISSED
    assert kinds(client).count("caught-up") == LIBRARIES


@pytest.mark.parametrize("missed_before", [0, MISSED])
def test_rooms_joined_one_by_one_ahead_of_a_node_go_on_as_one_and_miss_and_repeat_nothing(
    missed_before: int,
) -> None:
    node = Node(Limits(frames_at_once=200))
    missed(node)
    here = node.hub.head
    first = here - missed_before * LIBRARIES
    client, peer = join_each(node, lambda _: first, since=since(here + 2 * LIBRARIES))
    node.settle()

    assert len(peer.session.lanes.joining) == 1

    missed(node, 3)

    told = events(client)
    assert len(told) == len({position for position, _ in told}) == LIBRARIES * (missed_before + 3)
    for number in range(LIBRARIES):
        positions = [position for position, rooms in told if rooms == [library(number)]]
        assert positions == sorted(positions)
    assert not peer.session.lanes.joining
