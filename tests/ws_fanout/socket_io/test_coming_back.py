"""Coming back with the id of a connection: what was missed follows, and nothing else does."""

from typing import Any

import pytest

from studyspot.ws_fanout.rights import Rights
from studyspot.ws_fanout.socket_io.scene import Scene
from studyspot.ws_fanout.socket_io.words import NO_OFFSET
from tests.ws_fanout.events import (
    announced,
    booked,
    library_created,
    library_updated,
    pricing_updated,
    staff_added,
    staff_removed,
)
from tests.ws_fanout.node import Client, Node
from tests.ws_fanout.socket_io.portal import Kept, Portal


@pytest.fixture
def memory() -> Kept:
    return Kept()


@pytest.fixture
def node(memory: Kept) -> Node:
    """A node without sockets, whose clock the test moves, with one library."""
    node = Node(memory=memory)
    node.publish(library_created("L1", "o1"))
    return node


def lost(node: Node, user: str = "s1", *libraries: str) -> dict[str, Any]:
    """Return the ids of a connection that was in these libraries, and was lost."""
    portal = Portal(node)
    told = portal.connect(user)
    for library in libraries:
        portal.emit("join:library", library)
    node.hub.gone(portal.peer)
    return told


def positions(portal: Portal) -> list[int]:
    """Those that came; the one up to which a replay went is told once more at its end."""
    told = [int(event[1]) for event in portal.events() if event[0] == "position" and event[1] != NO_OFFSET]
    return [position for position, before in zip(told, [0, *told], strict=False) if position != before]


def test_what_was_missed_follows_in_order_and_then_what_is_new(node: Node) -> None:
    told = lost(node, "s1", "L1")
    node.publish(announced(), pricing_updated("L1"), booked("L2", "s2"), library_updated("L2"))
    portal = Portal(node)

    again = portal.connect(pid=told["pid"], offset="2")
    node.publish(pricing_updated("L1"))

    assert again["pid"] == told["pid"]
    assert again["sid"] != told["sid"]
    assert positions(portal) == [3, 5, 6]


def test_who_names_no_offset_is_brought_everything_from_its_connect_on(node: Node) -> None:
    told = lost(node)
    node.publish(announced(), announced())
    portal = Portal(node)

    assert portal.connect(pid=told["pid"])["pid"] == told["pid"]
    assert positions(portal) == [2, 3]


def test_an_offset_from_before_the_connection_is_none_of_it(node: Node) -> None:
    node.publish(announced(), announced())
    told = lost(node)
    node.publish(announced())
    portal = Portal(node)

    portal.connect(pid=told["pid"], offset="1")

    assert positions(portal) == [4]


def test_of_a_library_nothing_comes_from_before_it_was_joined(node: Node) -> None:
    portal = Portal(node)
    told = portal.connect("o2", "library_owner")
    node.publish(booked("L1", "s2"))
    node.publish(pricing_updated("L1"))
    portal.emit("join:library", "L1")
    node.publish(pricing_updated("L1"))
    node.hub.gone(portal.peer)
    again = Portal(node)

    assert again.connect("o2", "library_owner", pid=told["pid"], offset="1")["pid"] == told["pid"]

    assert positions(again) == [2, 4], "the booking's summary by the role, and the price after joining"


def test_a_library_that_was_left_is_not_joined_again(node: Node) -> None:
    portal = Portal(node)
    told = portal.connect()
    portal.emit("join:library", "L1")
    portal.emit("leave:library", "L1")
    node.hub.gone(portal.peer)
    again = Portal(node)

    again.connect(pid=told["pid"], offset="1")

    assert not again.peer.session.lanes.holds("library:L1")


def test_rooms_are_joined_by_the_rights_of_today(node: Node, memory: Kept) -> None:
    node.publish(staff_added("L1", "w1"))
    told = lost(node, "w1", "L1")
    remembered = memory.kept[told["pid"]]
    memory.kept[told["pid"]] = type(remembered)(
        "w1", remembered.epoch, {**remembered.rooms, "library:L1:staff": 0}, remembered.position
    )
    node.publish(staff_removed("L1", "w1"), booked("L1", "s2"))
    portal = Portal(node)

    portal.connect("w1", pid=told["pid"], offset="2")

    assert portal.peer.session.lanes.holds("library:L1")
    assert not portal.peer.session.lanes.holds("library:L1:staff")
    assert "booking:created" not in portal.names()


def test_what_is_told_after_coming_back_can_be_come_back_to_again(node: Node) -> None:
    told = lost(node, "s1", "L1")
    for _ in range(3):
        node.publish(pricing_updated("L1"))
        portal = Portal(node)
        assert portal.connect(pid=told["pid"], offset=str(node.hub.head - 1))["pid"] == told["pid"]
        assert positions(portal) == [node.hub.head]
        node.hub.gone(portal.peer)


def test_what_a_node_ahead_of_this_one_has_told_is_not_told_again(node: Node) -> None:
    told = lost(node)
    portal = Portal(node)

    portal.connect(pid=told["pid"], offset="2")
    node.publish(announced(), announced())

    assert positions(portal) == [3]


def test_a_node_that_is_behind_takes_no_client_back_to_where_it_is_itself(node: Node) -> None:
    told = lost(node)
    portal = Portal(node)

    portal.connect(pid=told["pid"], offset="3")
    node.hub.tell_staleness(node.now.time)
    node.settle()
    node.publish(announced(), announced())
    node.hub.tell_staleness(None)
    node.settle()

    assert positions(portal) == []


def anew(node: Node, portal: Portal, old_pid: str, **auth: Any) -> None:
    """It is a new connection, live from now on and in no library."""
    told = portal.connect(**{"user": "s1", "pid": old_pid, **auth})
    assert told["pid"] != old_pid
    assert portal.events() == [["position", str(node.hub.head)]]
    assert not portal.peer.session.lanes.holds("library:L1")


def test_another_person_begins_anew(node: Node) -> None:
    told = lost(node, "s1", "L1")
    node.publish(announced())

    anew(node, Portal(node), told["pid"], user="s2", offset="1")


@pytest.mark.parametrize("offset", ["999999", "", "1.5", "-1", "k3-1", "٣", "9" * 30, 1, {}])
def test_what_is_no_offset_begins_anew(node: Node, offset: object) -> None:
    told = lost(node, "s1", "L1")

    anew(node, Portal(node), told["pid"], offset=offset)


def test_a_pid_that_nobody_was_given_begins_anew(node: Node) -> None:
    anew(node, Portal(node), "nonsense", offset="1")


def test_in_another_history_one_begins_anew(node: Node) -> None:
    told = lost(node, "s1", "L1")
    node.hub.begin("k4", 1, 1, Rights(), Scene())

    anew(node, Portal(node), told["pid"], offset="1")


def test_where_the_stream_no_longer_reaches_one_begins_anew(node: Node) -> None:
    told = lost(node, "s1", "L1")
    node.publish(announced(), announced())
    node.hub.first_position = 4

    anew(node, Portal(node), told["pid"], offset="1")


def test_a_restarted_node_brings_what_was_missed_from_the_stream(node: Node, memory: Kept) -> None:
    told = lost(node, "s1", "L1")
    node.publish(announced(), pricing_updated("L1"))
    restarted = Node(head=3, memory=memory)
    restarted.log = node.log
    portal = Portal(restarted)

    portal.connect(pid=told["pid"], offset="1")
    restarted.publish(announced())

    assert positions(portal) == [2, 3, 4]


def test_positions_rise_over_all_rooms_also_when_one_is_joined_while_others_are_brought(
    node: Node,
) -> None:
    told = lost(node)
    node.publish(*(announced() for _ in range(300)))
    portal = Portal(node, Client(full_bytes=2000))
    portal.client.reads = False
    portal.say(f'40{{"token":"{node.token("s1")}","pid":"{told["pid"]}","offset":"1"}}')
    portal.emit("join:library", "L1")

    node.publish(pricing_updated("L1"))
    portal.client.reads = True
    while portal.client.unread:
        node.read(portal.client, portal.peer)

    brought = positions(portal)
    assert brought == sorted(brought)
    assert set(range(2, 303)) <= set(brought)
