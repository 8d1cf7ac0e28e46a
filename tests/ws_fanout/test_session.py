"""The conversation on one socket: what is answered, and when."""

from datetime import timedelta
from typing import Any

import pytest

from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.events import EPOCH, booked, library_created, pricing_updated
from tests.ws_fanout.node import Client, Node, events, kinds, since


def test_connect_is_answered_with_who_and_where_one_is(node: Node) -> None:
    node.publish(library_created())

    client, peer = node.connect("s1", rooms=["library:L1", "user:s2"])

    assert client.frames() == [
        {
            "type": "connected",
            "id": 1,
            "session": peer.session.id,
            "epoch": EPOCH,
            "head": 1,
            "user": "s1",
            "role": "student",
            "expiresIn": 3600,
            "serverNow": "2026-12-01T08:00:00Z",
            "heartbeat": 25,
            "rooms": [
                {"room": "library:L1", "joined": True},
                {
                    "room": "user:s2",
                    "joined": False,
                    "code": "room-forbidden",
                    "reason": "This room is another person's.",
                },
            ],
            "resume": "live",
        }
    ]


def test_an_owner_is_told_of_the_staff_rooms_that_are_entered_unasked(node: Node) -> None:
    node.publish(library_created("L1", "o1"), library_created("L2", "o2"))

    client, _ = node.connect("o1", "library_owner")

    assert client.frames()[0]["rooms"] == [{"room": "library:L1:staff", "joined": True}]


def test_one_booking_as_three_sockets_see_it(node: Node) -> None:
    node.publish(library_created("L1", "o1"))
    student, _ = node.connect("s1")
    owner, _ = node.connect("o2", "library_owner")
    watcher, _ = node.connect("s2", rooms=["library:L1"])

    node.publish(booked())

    envelope = {
        "id": "k3-2",
        "type": "studyspot.booking.created.v1",
        "time": "2026-12-01T09:00:00Z",
        "sequence": "2",
    }
    interval = {"start": "2026-12-01T09:00:00Z", "end": "2026-12-01T11:00:00Z"}
    occupied = interval | {"end": "2026-12-01T11:10:00Z"}
    full = student.frames()[-1]
    assert {key: full[key] for key in ("type", "name", "position", "rooms")} == {
        "type": "event",
        "name": "booking:created",
        "position": 2,
        "rooms": ["user:s1"],
    }
    assert full["event"].items() >= (envelope | {"actor": "actor-1", "commandid": "command-2"}).items()
    assert owner.frames()[-1] == {
        "type": "event",
        "name": "booking:created",
        "position": 2,
        "rooms": ["role:library_owner"],
        "event": envelope | {"data": {"libraryId": "L1"} | interval},
    }
    assert watcher.frames()[-1] == {
        "type": "event",
        "name": "seat:availability",
        "position": 2,
        "rooms": ["library:L1"],
        "event": envelope
        | {"data": {"seatId": "S17", "occupation": "occupation-of-B7", "state": "booked"} | occupied},
    }


def test_a_socket_in_several_rooms_gets_one_frame_in_the_richest_view(node: Node) -> None:
    node.names["s1"] = "Asha"
    node.publish(library_created("L1", "o1"))
    owner, _ = node.connect("o1", "library_owner", rooms=["library:L1"])

    node.publish(booked())

    [frame] = [frame for frame in owner.frames() if frame["type"] == "event"]
    assert frame["rooms"] == ["library:L1:staff", "role:library_owner", "library:L1"]
    assert frame["name"] == "booking:created"
    assert frame["event"]["data"]["studentName"] == "Asha"
    assert frame["event"]["data"]["state"] == "booked"


def test_without_a_known_name_the_id_serves(node: Node) -> None:
    node.publish(library_created("L1", "o1"))
    owner, _ = node.connect("o1", "library_owner")

    node.publish(booked())

    assert owner.frames()[-1]["event"]["data"]["studentName"] == "s1"


def test_who_creates_a_library_is_in_its_staff_room_from_that_event_on(node: Node) -> None:
    owner, _ = node.connect("o1", "library_owner")
    node.publish(pricing_updated("L0"), library_created("L1", "o1"), booked())

    assert owner.frames()[1:3] == [
        {
            "type": "joined",
            "id": None,
            "rooms": [{"room": "library:L1:staff", "joined": True}],
            "resume": "live",
        },
        owner.frames()[2],
    ]
    assert events(owner) == [
        (2, ["role:library_owner", "library:L1:staff"]),
        (3, ["library:L1:staff", "role:library_owner"]),
    ]


def test_a_resume_brings_what_was_missed_and_then_says_so(node: Node) -> None:
    node.publish(library_created(), booked(), pricing_updated(), booked(student="s2", booking="B8"))

    client, _ = node.connect("s1", rooms=["library:L1"], since=since(1))

    assert kinds(client) == ["connected", "event", "event", "event", "caught-up"]
    assert client.frames()[0]["resume"] == "replaying"
    assert events(client) == [
        (2, ["user:s1", "library:L1"]),
        (3, ["role:student", "library:L1"]),
        (4, ["library:L1"]),
    ]
    assert client.frames()[-1] == {
        "type": "caught-up",
        "position": 4,
        "rooms": ["everyone", "user:s1", "role:student", "library:L1"],
    }


@pytest.mark.parametrize(
    ("asked", "resume"),
    [
        (since(3), "live"),
        (since(2), "replaying"),
        (since(9), "live"),
        (since(1, "older"), "snapshot-required"),
        (since(99, "older"), "snapshot-required"),
    ],
)
def test_how_a_resume_begins(node: Node, asked: dict[str, Any], resume: str) -> None:
    node.publish(library_created(), pricing_updated(), pricing_updated(version=2))

    client, _ = node.connect("s1", since=asked)

    assert client.frames()[0]["resume"] == resume


def test_older_than_the_stream_needs_a_snapshot_and_is_live_from_the_head(node: Node) -> None:
    node.publish(library_created(), pricing_updated(), pricing_updated(version=2))
    node.hub.first_position = 3

    early, _ = node.connect("s1", since=since(1))
    just, _ = node.connect("s1", since=since(2))
    node.publish(pricing_updated(version=3))

    assert early.frames()[0]["resume"] == "snapshot-required"
    assert [position for position, _ in events(early)] == [4]
    assert just.frames()[0]["resume"] == "replaying"
    assert [position for position, _ in events(just)] == [3, 4]


def test_a_client_ahead_of_the_node_gets_nothing_that_it_has(node: Node) -> None:
    client, _ = node.connect("s1", since=since(2))

    node.publish(library_created())
    node.publish(pricing_updated())
    node.publish(pricing_updated(version=2), pricing_updated(version=3))

    assert [position for position, _ in events(client)] == [3, 4]
    assert "caught-up" not in kinds(client)


def test_joining_at_a_snapshot_misses_nothing_and_repeats_nothing(node: Node) -> None:
    node.publish(library_created(), booked(student="s2"), booked(student="s3", booking="B8"))
    client, peer = node.connect("s1")

    node.send(peer, {"type": "join", "id": 2, "rooms": ["library:L1"], "since": since(2)})
    node.publish(booked(student="s4", booking="B9"))

    assert client.frames()[1] == {
        "type": "joined",
        "id": 2,
        "rooms": [{"room": "library:L1", "joined": True}],
        "resume": "replaying",
    }
    assert client.frames()[3] == {"type": "caught-up", "position": 3, "rooms": ["library:L1"]}
    assert events(client) == [(3, ["library:L1"]), (4, ["library:L1"])]


def test_what_another_room_has_brought_is_not_sent_again_by_a_join(node: Node) -> None:
    client, peer = node.connect("s1")
    node.publish(library_created(), booked(), booked(student="s2", booking="B8"), pricing_updated())

    node.send(peer, {"type": "join", "id": 2, "rooms": ["library:L1"], "since": since(0)})

    # 1, 2 and 4 came by the rooms that the socket was in; only 3 is new.
    assert events(client) == [
        (1, ["role:student"]),
        (2, ["user:s1"]),
        (4, ["role:student"]),
        (3, ["library:L1"]),
    ]
    assert client.frames()[-1] == {"type": "caught-up", "position": 4, "rooms": ["library:L1"]}


def test_a_summary_does_not_stand_for_the_seat_that_a_joined_room_shows(node: Node) -> None:
    owner, peer = node.connect("o2", "library_owner")
    node.publish(library_created("L1", "o1"), booked())

    node.send(peer, {"type": "join", "id": 2, "rooms": ["library:L1"], "since": since(1)})

    assert events(owner) == [(1, ["role:library_owner"]), (2, ["role:library_owner"]), (2, ["library:L1"])]
    assert owner.frames()[-2]["name"] == "seat:availability"


def test_live_events_wait_behind_the_replay_of_the_same_room_while_other_rooms_go_on(node: Node) -> None:
    node.publish(library_created(), *(booked(student=f"t{n}", booking=f"T{n}") for n in range(300)))
    client, peer = node.open(Client(full_bytes=20_000))
    node.send(peer, {"type": "connect", "id": 1, "token": node.token("s1")})

    node.hub.receive(
        peer, '{"type":"join","id":2,"rooms":["library:L1"],"since":{"epoch":"k3","position":1}}'
    )
    assert events(client) == []
    node.hub.publish([])
    node.publish(booked(student="s1", booking="B1"), booked(student="t9", booking="T999"))

    came = events(client)
    by_library = [position for position, rooms in came if rooms == ["library:L1"]]
    assert by_library == [*range(2, 302), 303]
    assert (302, ["user:s1"]) in came


def test_a_refused_room_is_told_with_a_reason_and_the_others_are_joined(node: Node) -> None:
    client, peer = node.connect("s1")

    node.send(peer, {"type": "join", "id": "j", "rooms": ["library:L1:staff", "library:L2", "attic"]})

    assert client.frames()[-1]["rooms"] == [
        {
            "room": "library:L1:staff",
            "joined": False,
            "code": "room-forbidden",
            "reason": "Only the owner and the staff of this library may be in this room.",
        },
        {"room": "library:L2", "joined": True},
        {"room": "attic", "joined": False, "code": "room-unknown", "reason": "There is no such room."},
    ]


def test_a_room_that_was_left_is_silent(node: Node) -> None:
    client, peer = node.connect("s1", rooms=["library:L1", "library:L2"])

    node.send(peer, {"type": "leave", "id": 3, "rooms": ["library:L1", "library:L9"]})
    node.publish(booked("L1", "s2"), booked("L2", "s2", "B8"))

    assert client.frames()[1] == {"type": "left", "id": 3, "rooms": ["library:L1"]}
    assert events(client) == [(2, ["library:L2"])]


def test_a_socket_is_in_so_many_rooms_and_no_more() -> None:
    node = Node(Limits(rooms_per_socket=5))
    client, _ = node.connect("s1", rooms=["library:L1", "library:L2", "library:L3"])

    assert [answer.get("code") for answer in client.frames()[0]["rooms"]] == [None, None, "too-many-rooms"]


def test_ping_is_answered_with_the_servers_time(node: Node) -> None:
    client, peer = node.connect("s1")

    node.send(peer, {"type": "ping", "id": 5})

    assert client.frames()[-1] == {"type": "pong", "id": 5, "serverNow": "2026-12-01T08:00:00Z"}


def test_a_heartbeat_comes_every_25_seconds_with_the_position_up_to_which_all_was_written(node: Node) -> None:
    client, peer = node.connect("s1")
    node.publish(library_created(), booked(student="s2"))

    node.pass_time(timedelta(seconds=24))
    assert kinds(client)[-1] == "event"
    node.pass_time(timedelta(seconds=1))

    assert client.frames()[-1] == {
        "type": "heartbeat",
        "position": 2,
        "serverNow": "2026-12-01T08:00:25Z",
    }
    assert client.pings == 1
    node.hub.heard_pong(peer)
    node.pass_time(timedelta(seconds=25))
    assert kinds(client)[-2:] == ["heartbeat", "heartbeat"]


def test_losing_and_regaining_the_stream_is_told_at_once(node: Node) -> None:
    client, _ = node.connect("s1")

    node.hub.tell_staleness(node.now.time)
    node.settle()
    node.hub.tell_staleness(None)
    node.settle()

    stale, fresh = client.frames()[-2:]
    assert stale["staleSince"] == "2026-12-01T08:00:00Z"
    assert fresh["type"] == "heartbeat"
    assert "staleSince" not in fresh


def test_who_connects_while_the_stream_is_lost_is_told_at_once(node: Node) -> None:
    node.publish(booked(), booked(booking="B2"))
    node.hub.tell_staleness(node.now.time)

    client, _ = node.connect("s1", since=since(1))

    assert kinds(client)[:2] == ["connected", "heartbeat"]
    heartbeat = client.frames()[1]
    assert (heartbeat["staleSince"], heartbeat["position"]) == ("2026-12-01T08:00:00Z", 1)


def test_no_pong_for_20_seconds_closes_the_socket(node: Node) -> None:
    client, _ = node.connect("s1")
    node.pass_time(timedelta(seconds=25))

    node.pass_time(timedelta(seconds=19))
    assert client.closed is None
    node.pass_time(timedelta(seconds=1))

    assert client.closed == (CloseCode.NO_PONG, "no pong in time")


def test_a_socket_connects_within_5_seconds_or_is_closed(node: Node) -> None:
    client, _ = node.open()

    node.pass_time(timedelta(seconds=4.9))
    assert client.closed is None
    node.pass_time(timedelta(seconds=0.1))

    assert client.closed == (CloseCode.NO_CONNECT, "no connect frame in time")


def test_a_socket_ends_with_its_token(node: Node) -> None:
    client, peer = node.open()
    node.send(peer, {"type": "connect", "token": node.token("s1", lifetime=timedelta(seconds=20))})
    node.hub.heard_pong(peer)

    node.pass_time(timedelta(seconds=20))

    assert client.closed == (CloseCode.TOKEN_EXPIRED, "the token has expired")


def test_a_refreshed_token_keeps_the_socket(node: Node) -> None:
    client, peer = node.open()
    node.send(peer, {"type": "connect", "token": node.token("s1", lifetime=timedelta(seconds=20))})

    node.send(peer, {"type": "refresh", "id": 4, "token": node.token("s1", lifetime=timedelta(seconds=40))})
    node.pass_time(timedelta(seconds=30))

    assert client.frames()[1] == {"type": "refreshed", "id": 4, "expiresIn": 40}
    assert client.closed is None
    node.hub.heard_pong(peer)
    node.pass_time(timedelta(seconds=10))
    assert client.closed is not None
