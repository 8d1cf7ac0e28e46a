"""What is answered to a client of Socket.IO, and when it is closed."""

from datetime import timedelta

import orjson
import pytest

from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.events import booked, library_created, library_updated
from tests.ws_fanout.node import Node
from tests.ws_fanout.socket_io.portal import Portal


@pytest.fixture
def node() -> Node:
    """A node without sockets, whose clock the test moves."""
    return Node()


def test_the_transport_opens_at_once_and_says_how_it_is_kept(node: Node) -> None:
    [opened] = Portal(node).messages()

    told = orjson.loads(opened[1:])
    assert opened[0] == "0"
    assert told.pop("sid")
    assert told == {"upgrades": [], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 8192}


def test_connect_is_answered_with_ids_and_the_position_that_it_begins_at(node: Node) -> None:
    node.publish(library_created())
    portal = Portal(node)

    told = portal.connect()

    assert told.keys() == {"sid", "pid"}
    assert told["sid"] == portal.peer.session.id
    assert portal.events() == [["position", "1"]]


def test_ids_are_of_one_connection_alone(node: Node) -> None:
    told = [Portal(node).connect() for _ in range(2)]

    assert len({one[key] for one in told for key in ("sid", "pid")}) == 4


def test_own_rooms_are_joined_by_themselves(node: Node) -> None:
    node.publish(library_created("L1", "o1"))
    student, owner, other = Portal(node), Portal(node), Portal(node)
    student.connect("s1")
    owner.connect("o1", "library_owner")
    other.connect("s2")
    for portal in (student, owner, other):
        portal.events()

    node.publish(booked())

    assert student.names() == ["booking:created", "position"]
    assert owner.names() == ["seat:availability", "booking:created", "position"]
    assert other.names() == []


def test_what_comes_of_one_position_is_one_write_and_its_position_is_the_last_of_it(node: Node) -> None:
    node.publish(library_created("L1", "o1"))
    node.pass_time(timedelta(hours=1, minutes=10))
    portal = Portal(node)
    portal.connect("s1")
    portal.emit("join:library", "L1")
    portal.events()
    writes = len(portal.client.writes)

    node.publish(booked())

    assert len(portal.client.writes) == writes + 1
    assert portal.names() == ["seat:availability", "booking:created", "position"]


@pytest.mark.parametrize("argument", ["L1", {"libraryId": "L1"}])
def test_a_library_is_joined_from_now_on_and_left_again(node: Node, argument: object) -> None:
    node.publish(library_created("L1", "o1"))
    owner = Portal(node)
    owner.connect("o2", "library_owner")
    owner.events()

    owner.emit("join:library", argument, ack=1)
    owner.events()
    node.publish(seat := library_updated("L1"))
    assert owner.names() == ["library:updated", "position"]
    owner.emit("leave:library", argument, ack=2)
    owner.events()

    assert owner.answer(1) == {"ok": True, "room": "library:L1"}
    assert owner.answer(2) == {"ok": True, "room": "library:L1"}
    assert not owner.peer.session.lanes.holds("library:L1")
    node.publish(seat)
    assert owner.names() == ["library:updated", "position"], "by the role's room"


@pytest.mark.parametrize(
    ("name", "argument", "code"),
    [
        ("join:role", "admin", "room-forbidden"),
        ("join:role", {"role": "library_owner"}, "room-forbidden"),
        ("join:role", "king", "room-unknown"),
        ("join:library", "L1:staff", "room-forbidden"),
        ("join:library", {"libraryId": "x" * 200}, "room-unknown"),
        ("join:library", "", "room-unknown"),
        ("join:library", 7, "invalid-frame"),
        ("join:library", None, "invalid-frame"),
        ("leave:library", {"library": "L1"}, "invalid-frame"),
    ],
)
def test_what_cannot_be_joined_is_refused_to_whoever_asks(
    node: Node, name: str, argument: object, code: str
) -> None:
    portal = Portal(node)
    portal.connect()
    portal.events()

    portal.emit(name, argument, ack=7)
    portal.emit(name, argument)

    answer = portal.answer(7)
    assert (answer.pop("ok"), answer["code"]) == (False, code)
    assert portal.events() == [["error", answer]]
    assert portal.client.closed is None


@pytest.mark.parametrize("argument", ["student", {"role": "student"}])
def test_ones_own_role_is_joined_already(node: Node, argument: object) -> None:
    portal = Portal(node)
    portal.connect()

    portal.emit("join:role", argument, ack=1)

    assert portal.answer(1) == {"ok": True, "room": "role:student"}


def test_only_so_many_rooms_are_joined() -> None:
    node = Node(Limits(rooms_per_socket=4))
    portal = Portal(node)
    portal.connect()

    for number in range(2):
        portal.emit("join:library", f"L{number}", ack=number)

    assert portal.answer(0)["ok"]
    assert portal.answer(1)["code"] == "too-many-rooms"


def test_a_ping_is_answered_with_the_time(node: Node) -> None:
    portal = Portal(node)
    portal.connect()
    portal.events()

    portal.emit("ping", ack=1)
    portal.emit("ping")

    assert portal.events() == [["pong", {"timestamp": "2026-12-01T08:00:00Z"}]] * 2
    assert portal.answer(1) == {"ok": True}


def test_an_event_that_nobody_listens_to_is_ignored_unless_an_answer_is_wanted(node: Node) -> None:
    portal = Portal(node)
    portal.connect()
    before = len(portal.messages())

    portal.emit("chat", "hello")
    assert len(portal.messages()) == before
    portal.emit("chat", "hello", ack=3)

    assert (portal.answer(3)["ok"], portal.answer(3)["code"]) == (False, "unknown-frame")


def test_another_namespace_is_none_and_the_socket_stays(node: Node) -> None:
    portal = Portal(node)

    portal.say('40/admin,{"token":"x"}')
    portal.say('42/admin,["ping"]')
    portal.say("41/admin,")

    assert portal.messages()[1:] == ['44/admin,{"message":"Invalid namespace"}']
    assert portal.connect()["sid"]


def test_a_second_connect_is_an_error_and_the_socket_stays(node: Node) -> None:
    portal = Portal(node)
    portal.connect()

    portal.say('40{"token":"x"}')

    assert portal.events()[-1][1]["code"] == "already-connected"
    assert portal.client.closed is None


def test_a_heartbeat_tells_the_position_where_it_has_moved(node: Node) -> None:
    portal = Portal(node)
    portal.connect()
    node.publish(library_created("L1", "o1"), booked("L1", "s2"))
    portal.events()

    node.pass_time(timedelta(seconds=25))
    assert portal.events() == [["position", "2"]], "nothing of it was for this socket"
    portal.say("3")
    node.pass_time(timedelta(seconds=25))

    assert portal.events() == []


def test_the_node_tells_of_no_staleness_as_there_is_no_word_for_it(node: Node) -> None:
    portal = Portal(node)
    portal.connect()
    before = len(portal.messages())

    node.hub.tell_staleness(node.now.time)
    node.settle()

    assert len(portal.messages()) == before


def test_who_is_in_a_library_alone_is_told_which_seat_is_taken_and_not_by_whom(node: Node) -> None:
    node.publish(library_created("L1", "o1"))
    node.pass_time(timedelta(hours=1, minutes=10))
    portal = Portal(node)
    portal.connect("x1")
    portal.emit("join:library", "L1")
    portal.events()

    node.publish(booked())

    [[name, payload], _] = portal.events()
    assert name == "seat:availability"
    assert payload.keys() == {"libraryId", "seatId", "available", "timestamp"}
