"""When sockets are looked at, and that nothing is kept of those that are gone."""

import weakref

from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.node import Client, Node


def test_a_socket_that_is_gone_is_not_kept_until_its_deadline() -> None:
    node = Node()
    client, peer = node.connect("s1")
    gone = weakref.ref(client)
    node.hub.gone(peer)
    del client, peer
    assert gone() is None


def test_the_deadlines_of_others_still_come() -> None:
    node = Node()
    _, first = node.connect("s1")
    staying, _ = node.connect("s2")
    silent: Client = node.open()[0]
    node.hub.gone(first)
    node.pass_time(Limits().connect_within)
    assert silent.closed is not None
    assert staying.closed is None
