"""While the memory is asked what a connection was to receive, and before it forgets."""

from datetime import timedelta

from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.socket_io.conversation import REMEMBER_AGAIN_AFTER
from tests.ws_fanout.events import announced
from tests.ws_fanout.node import Node
from tests.ws_fanout.socket_io.portal import Kept, Portal


def test_while_the_memory_is_asked_the_token_has_been_looked_at_already() -> None:
    memory = Kept(answers=False)
    portal = Portal(Node(memory=memory))

    portal.say('40{"token":"nonsense","pid":"x","offset":"1"}')

    assert not memory.questions
    assert portal.client.closed is not None
    assert portal.client.closed[0] is CloseCode.BAD_TOKEN


def test_the_memory_answers_later_or_too_late() -> None:
    memory = Kept(answers=False)
    node = Node(Limits(connect_within=timedelta(seconds=5)), memory=memory)
    prompt, late, gone = Portal(node), Portal(node), Portal(node)
    for portal in (prompt, late, gone):
        portal.say(f'40{{"token":"{node.token("s1")}","pid":"x"}}')
        assert not portal.peer.session.identity
    answer, answer_late, answer_gone = memory.questions

    answer()
    node.hub.gone(gone.peer)
    answer_gone()
    node.pass_time(timedelta(seconds=5))
    answer_late()
    node.settle()
    node.publish(announced())

    assert prompt.names() == ["position", "global:notification", "position"]
    assert late.client.closed == (CloseCode.NO_CONNECT, "no connect frame in time")
    assert late.names() == gone.names() == []
    assert node.hub.sockets_of("s1") == 1


def test_a_connection_is_remembered_again_before_it_is_forgotten() -> None:
    memory = Kept()
    node = Node(Limits(heartbeat_every=REMEMBER_AGAIN_AFTER / 2), memory=memory)
    portal = Portal(node)
    token = node.token("s1", lifetime=timedelta(days=1))
    portal.say(f'40{{"token":"{token}"}}')
    memory.kept.clear()

    node.pass_time(REMEMBER_AGAIN_AFTER / 2)
    portal.say("3")
    assert not memory.kept
    node.pass_time(REMEMBER_AGAIN_AFTER / 2)
    portal.say("3")

    assert len(memory.kept) == 1


def test_nothing_is_recalled_for_who_has_as_many_sockets_as_may_be() -> None:
    memory = Kept(answers=False)
    node = Node(Limits(sockets_per_user=1), memory=memory)
    Portal(node).connect("s1")
    portal = Portal(node)

    token = node.token("s1")
    portal.say(f'40{{"token":"{token}","pid":"of-another-time"}}')

    assert portal.client.closed is not None
    assert portal.client.closed[0] is CloseCode.TOO_MANY_SOCKETS
    assert memory.questions == []


def test_who_has_connected_in_time_may_wait_for_what_is_recalled() -> None:
    memory, limits = Kept(answers=False), Limits()
    node = Node(limits, memory=memory)
    portal = Portal(node)
    node.pass_time(limits.connect_within - timedelta(milliseconds=100))
    token = node.token("s1")
    portal.say(f'40{{"token":"{token}","pid":"of-another-time"}}')

    node.pass_time(timedelta(seconds=1))
    [answer] = memory.questions
    answer()

    assert portal.client.closed is None
    assert portal.peer.session.identity is not None
