"""When a client of Socket.IO is closed, and how it is told whether to come back."""

from datetime import timedelta

import pytest

from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.socket_io.conversation import LEAVE_WITHIN
from studyspot.ws_fanout.socket_io.packets import Kind
from tests.ws_fanout.events import library_created
from tests.ws_fanout.node import Node
from tests.ws_fanout.socket_io.portal import Portal


@pytest.fixture
def node() -> Node:
    """A node without sockets, whose clock the test moves."""
    return Node()


@pytest.mark.parametrize("auth", ["", "{}", '{"token":7}', '{"token":"nonsense"}', '{"token":null}'])
def test_a_bad_token_is_refused_and_the_client_is_given_time_to_leave(node: Node, auth: str) -> None:
    portal = Portal(node)

    portal.say(f"40{auth}")

    [refusal] = portal.packets(Kind.CONNECT_ERROR)
    assert refusal.data["data"] == {"code": "bad-token"}
    assert refusal.data["message"]
    assert portal.client.closed is not None
    assert (portal.client.closed[0], portal.client.closed_after) == (CloseCode.BAD_TOKEN, LEAVE_WITHIN)


def test_an_expired_token_is_refused_as_the_client_would_come_back_with_the_same(node: Node) -> None:
    token = node.token("s1", lifetime=timedelta(minutes=1))
    node.pass_time(timedelta(minutes=10))
    portal = Portal(node)

    portal.say(f'40{{"token":"{token}"}}')

    [refusal] = portal.packets(Kind.CONNECT_ERROR)
    assert refusal.data["data"] == {"code": "token-expired"}


@pytest.mark.parametrize("code", CloseCode)
def test_who_may_come_back_loses_the_transport_and_who_may_not_is_disconnected(
    node: Node, code: CloseCode
) -> None:
    portal = Portal(node)
    portal.connect()
    before = len(portal.messages())

    node.hub.close(portal.peer, code, "a reason")

    stays_away = code >= 4500
    assert portal.messages()[before:] == (["41"] if stays_away else [])
    assert portal.client.closed == (code, "a reason")
    assert bool(portal.client.closed_after) is stays_away


@pytest.mark.parametrize(
    "message", ["", "4", "5", "2probe", "45", '451-["x"]', "42[]", "nonsense", b"\x00", b"", "44{}", "42{"]
)
def test_who_does_not_speak_the_protocol_is_told_to_stay_away(node: Node, message: str | bytes) -> None:
    connected, waiting = Portal(node), Portal(node)
    connected.connect()

    for portal in (connected, waiting):
        portal.say(message)

        assert portal.client.closed is not None
        assert portal.client.closed[0] is CloseCode.MALFORMED
        assert portal.messages()[-1] == "41"


def test_before_connect_nothing_else_is_asked(node: Node) -> None:
    portal = Portal(node)

    portal.say('42["ping"]')

    assert portal.client.closed == (CloseCode.MALFORMED, "the first packet must be connect")


@pytest.mark.parametrize("goodbye", ["41", "1"])
def test_who_says_goodbye_gets_nothing_more(node: Node, goodbye: str) -> None:
    portal = Portal(node)
    portal.connect()

    portal.say(goodbye)
    node.publish(library_created())

    assert portal.client.closed is not None
    assert portal.client.closed[0] is CloseCode.DONE
    assert portal.names() == ["position"]
    assert node.hub.room_count == 0


def test_who_does_not_connect_in_time_is_closed(node: Node) -> None:
    portal = Portal(node)

    node.pass_time(timedelta(seconds=5))

    assert portal.client.closed is not None
    assert portal.client.closed[0] is CloseCode.NO_CONNECT


def test_pings_come_with_heartbeats_and_who_answers_none_is_closed_to_come_back(node: Node) -> None:
    alive, gone = Portal(node), Portal(node)
    alive.connect()
    gone.connect()

    node.pass_time(timedelta(seconds=25))
    assert [portal.messages()[-1] for portal in (alive, gone)] == ["2", "2"]
    assert alive.client.pings == 0, "of the protocol, not of WebSocket's"
    alive.say("3")
    node.pass_time(timedelta(seconds=20))

    assert alive.client.closed is None
    assert gone.client.closed is not None
    assert gone.client.closed[0] is CloseCode.NO_PONG


def test_too_many_messages_end_the_transport() -> None:
    node = Node(Limits(frames_at_once=5))
    portal = Portal(node)
    portal.connect()

    for _ in range(5):
        portal.emit("ping")

    assert portal.client.closed is not None
    assert portal.client.closed[0] is CloseCode.TOO_MANY_FRAMES
