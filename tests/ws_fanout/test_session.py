"""The conversation on one socket: what is answered, and what ends it."""

from datetime import timedelta
from typing import Any

import pytest

from studyspot.access.keys import SigningKey
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.events import EPOCH, booked, library_created, pricing_updated
from tests.ws_fanout.node import Client, Node
from tests.ws_fanout.people import token


@pytest.fixture
def node() -> Node:
    return Node()


def kinds(client: Client) -> list[str]:
    return [frame["type"] for frame in client.frames()]


def events(client: Client) -> list[tuple[int, list[str]]]:
    return [(frame["position"], frame["rooms"]) for frame in client.frames() if frame["type"] == "event"]


def since(position: int, epoch: str = EPOCH) -> dict[str, Any]:
    return {"epoch": epoch, "position": position}


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
        | {"data": {"seatId": "S17", "occupation": "occupation-of-B7", "state": "booked"} | interval},
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


@pytest.mark.parametrize(
    ("user", "lifetime", "code"),
    [("s2", 60, "token-of-another"), ("s1", 0, "token-expired"), ("", 60, "token-refused")],
)
def test_a_refresh_that_is_not_good_is_refused_and_the_socket_goes_on(
    node: Node, user: str, lifetime: int, code: str
) -> None:
    client, peer = node.connect("s1")

    node.send(
        peer, {"type": "refresh", "id": 4, "token": node.token(user, lifetime=timedelta(seconds=lifetime))}
    )

    assert (client.frames()[-1]["type"], client.frames()[-1]["code"]) == ("error", code)
    assert client.frames()[-1]["id"] == 4
    assert client.closed is None


def test_a_refresh_with_another_role_changes_the_rooms(node: Node) -> None:
    client, peer = node.connect("s1")

    node.send(peer, {"type": "refresh", "id": 4, "token": node.token("s1", "library_owner")})
    node.publish(pricing_updated(), booked(student="s2"))

    assert client.frames()[2:4] == [
        {"type": "left", "id": None, "rooms": ["role:student"]},
        {
            "type": "joined",
            "id": None,
            "rooms": [{"room": "role:library_owner", "joined": True}],
            "resume": "live",
        },
    ]
    assert events(client) == [(2, ["role:library_owner"])]


def unsigned(user: str) -> str:
    """A token with `alg: none`."""
    import base64

    import orjson

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")

    claims = {
        "sub": user,
        "role": "admin",
        "iss": "studyspot",
        "aud": "studyspot",
        "iat": 1,
        "exp": 9999999999,
    }
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda node: node.token("s1", lifetime=timedelta(seconds=0)), CloseCode.TOKEN_EXPIRED),
        (lambda node: token("s1", now=node.now.time, key=SigningKey.generate()), CloseCode.BAD_TOKEN),
        (lambda node: token("s1", now=node.now.time, audience="elsewhere"), CloseCode.BAD_TOKEN),
        (lambda node: unsigned("s1"), CloseCode.BAD_TOKEN),
        (lambda node: "", CloseCode.BAD_TOKEN),
        (lambda node: "ß" * 300, CloseCode.BAD_TOKEN),
    ],
    ids=["expired", "another key", "another audience", "alg none", "empty", "nonsense"],
)
def test_a_bad_token_closes_the_socket(node: Node, made: Any, code: CloseCode) -> None:
    client, peer = node.open()

    node.send(peer, {"type": "connect", "id": 1, "token": made(node)})

    assert client.closed is not None
    assert client.closed[0] == code
    assert client.frames() == []


@pytest.mark.parametrize(
    "data",
    [
        '{"type":"ping","id":1}',
        '{"type":"connect","id":1}',
        '{"type":"connect","token":"x","rooms":"library:L1"}',
        '{"type":"connect","token":"x","surprise":1}',
        '{"type":"connect","token":"x","since":{"epoch":"k3","position":-1}}',
        "hello",
        "[1]",
        "[" * 5000,
        b'{"type":"connect","token":"x"}',
    ],
)
def test_whoever_does_not_begin_with_a_connect_frame_is_closed(node: Node, data: str | bytes) -> None:
    client, peer = node.open()

    node.hub.receive(peer, data)

    assert client.closed is not None
    assert client.closed[0] == CloseCode.MALFORMED


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ('{"type":"dance","id":7}', "unknown-frame"),
        ('{"id":7}', "unknown-frame"),
        ('{"type":"join","id":7}', "invalid-frame"),
        ('{"type":"join","id":7,"rooms":[1]}', "invalid-frame"),
        ('{"type":"join","id":7,"rooms":[],"since":{"epoch":"k3"}}', "invalid-frame"),
        ('{"type":"ping","id":7,"loud":true}', "invalid-frame"),
        ('{"type":"connect","id":7,"token":"x"}', "already-connected"),
    ],
)
def test_a_wrong_frame_is_answered_with_a_typed_error(node: Node, data: str, code: str) -> None:
    client, peer = node.connect("s1")

    node.hub.receive(peer, data)

    error = client.frames()[-1]
    assert error.pop("message").endswith(".")
    assert error == {"type": "error", "id": 7, "code": code, "temporary": False, "retryAfterMs": None}
    assert client.closed is None


@pytest.mark.parametrize("data", ["nonsense", "3", b"\x00", '"join"'])
def test_who_stops_speaking_the_protocol_is_closed(node: Node, data: str | bytes) -> None:
    client, peer = node.connect("s1")

    node.hub.receive(peer, data)

    assert client.closed is not None
    assert client.closed[0] == CloseCode.MALFORMED


def test_too_many_frames_close_the_socket() -> None:
    node = Node(Limits(frames_per_second=10, frames_at_once=20))
    client, peer = node.connect("s1")

    for _ in range(19):
        node.send(peer, {"type": "ping"})
    assert client.closed is None
    node.pass_time(timedelta(seconds=1))
    for _ in range(10):
        node.send(peer, {"type": "ping"})
    assert client.closed is None
    node.send(peer, {"type": "ping"})

    assert client.closed == (CloseCode.TOO_MANY_FRAMES, "too many frames")


def test_a_person_has_so_many_sockets_and_no_more() -> None:
    node = Node(Limits(sockets_per_user=2))
    _, first = node.connect("s1")
    node.connect("s1")

    third, _ = node.connect("s1")
    assert third.closed == (CloseCode.TOO_MANY_SOCKETS, "too many sockets of this user")

    node.hub.gone(first)
    fourth, _ = node.connect("s1")
    assert fourth.closed is None


def test_another_history_closes_every_socket(node: Node) -> None:
    client, _ = node.connect("s1")

    node.hub.dismiss_all()

    assert client.closed is not None
    assert client.closed[0] == CloseCode.RESTART


def test_a_closed_socket_gets_nothing_more(node: Node) -> None:
    client, peer = node.connect("s1", rooms=["library:L1"])
    node.hub.close(peer, CloseCode.DRAINING, "away")
    before = len(client.frames())

    client.closed = None
    node.publish(booked())
    node.send(peer, {"type": "ping"})

    assert len(client.frames()) == before
    assert node.hub.room_count == 0
