"""What a session refuses, and what ends it."""

from datetime import timedelta
from typing import Any

import pytest

from studyspot.access.keys import SigningKey
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.events import booked, pricing_updated
from tests.ws_fanout.node import Node, events
from tests.ws_fanout.people import token


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
        {
            "type": "left",
            "id": None,
            "rooms": ["role:student"],
            "reason": "Your role is another now.",
        },
        {
            "type": "joined",
            "id": None,
            "rooms": [{"room": "role:library_owner", "joined": True}],
            "resume": "live",
        },
    ]
    assert events(client) == [(2, ["role:library_owner"])]


def test_a_change_of_role_tells_of_no_rooms_where_none_are_left_or_entered(node: Node) -> None:
    client, peer = node.connect("s1")

    node.send(peer, {"type": "refresh", "id": 4, "token": node.token("s1", "admin")})
    node.send(peer, {"type": "join", "id": 5, "rooms": ["role:student"]})
    node.send(peer, {"type": "refresh", "id": 6, "token": node.token("s1", "student")})

    told = [(frame["type"], frame["id"]) for frame in client.frames() if "id" in frame]
    assert told[1:] == [
        ("refreshed", 4),
        ("joined", None),
        ("joined", 5),
        ("refreshed", 6),
        ("left", None),
    ]
    assert client.frames()[-1]["rooms"] == ["role:admin"]


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
