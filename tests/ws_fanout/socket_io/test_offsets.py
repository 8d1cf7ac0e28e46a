"""A client has an offset to come back with only while what it would be brought back to is remembered."""

from datetime import timedelta
from typing import Any

import pytest

from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.socket_io.conversation import REMEMBER_AGAIN_AFTER
from studyspot.ws_fanout.socket_io.words import NO_OFFSET
from tests.ws_fanout.events import announced, library_created, pricing_updated
from tests.ws_fanout.node import Client, Node
from tests.ws_fanout.socket_io.portal import Kept, Portal


@pytest.fixture
def memory() -> Kept:
    """One that writes when the test says so."""
    return Kept()


@pytest.fixture
def node(memory: Kept) -> Node:
    """A node without sockets, whose clock the test moves, with one library."""
    node = Node(memory=memory)
    node.publish(library_created("L1", "o1"))
    return node


def in_a_library(node: Node, memory: Kept) -> Portal:
    """A client that is in a library, which is not remembered yet, and has read that."""
    portal = Portal(node)
    portal.connect()
    memory.writes = False
    portal.emit("join:library", "L1", ack=1)
    portal.events()
    return portal


def offsets(portal: Portal) -> list[Any]:
    """What the client has taken for its offset since it was asked last."""
    return [event[1] for event in portal.events() if event[0] == "position"]


def test_who_joins_or_leaves_has_no_offset_until_that_is_remembered(node: Node, memory: Kept) -> None:
    portal = Portal(node)
    portal.connect()
    assert offsets(portal) == ["1"]

    for request in ("join:library", "leave:library"):
        memory.writes = False
        portal.emit(request, "L1")
        assert offsets(portal) == [NO_OFFSET]
        memory.write()
        assert offsets(portal) == ["1"]


def test_the_offset_is_gone_before_the_answer_is_read(node: Node, memory: Kept) -> None:
    portal = in_a_library(node, memory)

    *_, no_offset, answer = portal.messages()
    assert no_offset == f'42["position","{NO_OFFSET}"]'
    assert answer.startswith("431")


def test_events_come_meanwhile_and_give_no_offset(node: Node, memory: Kept) -> None:
    portal = in_a_library(node, memory)

    node.publish(pricing_updated("L1"), announced())
    node.publish(announced())
    assert portal.names() == ["pricing:updated", "global:notification", "global:notification"]
    memory.write()
    node.publish(announced())
    assert portal.events() == [["position", "4"], portal_announcement(), ["position", "5"]]


def portal_announcement() -> list[Any]:
    """What a portal is told of `announced`."""
    node = Node()
    portal = Portal(node)
    portal.connect()
    node.publish(announced())
    return next(event for event in portal.events() if event[0] == "global:notification")


def test_heartbeats_give_no_offset_either(node: Node, memory: Kept) -> None:
    portal = in_a_library(node, memory)
    node.publish(pricing_updated("L9"))

    node.pass_time(Limits().heartbeat_every)
    assert offsets(portal) == []
    memory.write()
    assert offsets(portal) == ["2"]


def test_only_the_newest_of_several_changes_gives_an_offset(node: Node, memory: Kept) -> None:
    portal = in_a_library(node, memory)
    memory.hold()
    portal.emit("join:library", "L2")
    portal.emit("leave:library", "L1")

    memory.write_held()
    assert offsets(portal) == []
    memory.write()
    assert offsets(portal) == ["1"]
    [remembered] = memory.kept.values()
    assert remembered.rooms == {"library:L2": 1}


def test_who_comes_back_without_an_offset_begins_anew(node: Node, memory: Kept) -> None:
    """Also where the older rooms are remembered."""
    before = Portal(node)
    told = before.connect()
    memory.writes = False
    before.emit("join:library", "L1")
    node.hub.gone(before.peer)
    again = Portal(node)

    assert again.connect(pid=told["pid"], offset=NO_OFFSET)["pid"] != told["pid"]
    assert not again.peer.session.lanes.holds("library:L1")


def test_who_is_remembered_again_meanwhile_has_an_offset_after_it(memory: Kept) -> None:
    node = Node(Limits(heartbeat_every=REMEMBER_AGAIN_AFTER), memory=memory)
    portal = Portal(node)
    portal.say(f'40{{"token":"{node.token("s1", lifetime=timedelta(days=1))}"}}')
    memory.writes = False
    portal.emit("join:library", "L1")
    node.pass_time(REMEMBER_AGAIN_AFTER)
    portal.say("3")
    portal.events()

    memory.write()

    assert offsets(portal) == ["0"]


def test_who_is_gone_is_told_nothing(node: Node, memory: Kept) -> None:
    portal = in_a_library(node, memory)
    node.hub.gone(portal.peer)

    memory.write()

    assert portal.events() == []


def test_a_client_that_is_ahead_of_this_node_is_given_no_older_offset(node: Node, memory: Kept) -> None:
    before = Portal(node)
    told = before.connect()
    node.hub.gone(before.peer)
    portal = Portal(node)
    portal.connect(pid=told["pid"], offset="3")
    memory.writes = False
    portal.emit("join:library", "L1")
    portal.events()

    memory.write()

    assert offsets(portal) == ["3"]


def test_who_reads_slowly_is_given_the_offset_up_to_which_everything_is_written(
    node: Node, memory: Kept
) -> None:
    portal = Portal(node, Client(full_bytes=2000))
    portal.connect()
    portal.client.reads = False
    memory.writes = False
    portal.emit("join:library", "L1")
    node.publish(*(announced() for _ in range(3000)))
    memory.write()
    portal.client.reads = True
    while portal.client.unread:
        node.read(portal.client, portal.peer)

    told = portal.events()
    announcements = [event[0] for event in told].count("global:notification")
    given = [event[1] for event in told if event[0] == "position"]
    assert announcements == 3000
    numbers = [int(offset) for offset in given if offset != NO_OFFSET]
    assert numbers == sorted(numbers)
    assert numbers[-1] == node.hub.head
    for place, event in enumerate(told):
        if event[0] == "position" and event[1] != NO_OFFSET:
            written = [one[0] for one in told[:place]].count("global:notification")
            assert int(event[1]) == 1 + written
