"""A portal that reads slowly is told of everything all the same."""

from datetime import timedelta

from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.events import announced, cancelled, library_created, rescheduled
from tests.ws_fanout.node import Client, Node
from tests.ws_fanout.socket_io.portal import Portal


def test_a_seat_that_a_booking_has_left_is_told_to_be_free_though_the_booking_has_ended_since() -> None:
    node = Node(Limits(unsent_bytes=200))
    node.publish(library_created("L1", "o1"))
    node.pass_time(timedelta(minutes=70))
    portal = Portal(node, Client(full_bytes=100))
    portal.connect("s2")
    portal.emit("join:library", "L1")
    portal.events()
    portal.client.reads = False
    for _ in range(3):
        node.publish(announced())

    node.publish(rescheduled(), cancelled())
    assert portal.peer.session.is_behind
    portal.client.reads = True
    node.read(portal.client, portal.peer)

    seats = [told for name, told in portal.events() if name == "seat:availability"]
    assert {told["seatId"]: told["available"] for told in seats} == {"S16": True, "S17": True}


def test_a_slow_reader_is_brought_everything_in_order() -> None:
    node = Node(Limits(unsent_bytes=2000))
    portal = Portal(node, Client(full_bytes=500, reads=False))
    portal.client.reads = True
    portal.connect()
    portal.events()
    portal.client.reads = False

    for _ in range(40):
        node.publish(announced())
    portal.client.reads = True
    while portal.client.unread:
        node.read(portal.client, portal.peer)

    positions = [int(event[1]) for event in portal.events() if event[0] == "position"]
    assert positions == sorted(positions)
    assert set(positions) >= set(range(1, 41))
