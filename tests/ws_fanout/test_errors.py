"""Errors have a code of one table, which says whether the same may be asked again."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from studyspot.access.keys import SigningKey
from studyspot.access.tokens import Verifier
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.errors import RETRY_AFTER, error
from tests.ws_fanout.node import Client, Node
from tests.ws_fanout.people import AUDIENCE, ISSUER, KEY, token

PAGE = Path(__file__).parents[2] / "docs" / "sockets.md"


@pytest.fixture
def node() -> Node:
    """A node that has yet to read keys which are said to be elsewhere."""
    verifier = Verifier.of([KEY.jwks()], issuer=ISSUER, audience=AUDIENCE, sources=("elsewhere",))
    return Node(verifier=verifier)


def shown_an_unknown_key(node: Node) -> str:
    return token("s1", now=node.now.time, key=SigningKey.generate())


def test_a_refresh_that_cannot_be_judged_yet_may_be_tried_again_and_the_socket_goes_on(node: Node) -> None:
    client, peer = node.connect("s1")

    node.send(peer, {"type": "refresh", "id": 4, "token": shown_an_unknown_key(node)})

    answer = client.frames()[-1]
    assert (answer["type"], answer["id"], answer["code"]) == ("error", 4, "keys-unsettled")
    assert (answer["temporary"], answer["retryAfterMs"]) == (True, 2000)
    assert client.closed is None


def test_a_connect_that_cannot_be_judged_yet_is_to_come_back(node: Node) -> None:
    client, peer = node.open()

    node.send(peer, {"type": "connect", "token": shown_an_unknown_key(node)})

    assert _closed_with(client) == CloseCode.OVERLOAD


def _closed_with(client: Client) -> CloseCode:
    assert client.closed is not None
    return client.closed[0]


@pytest.mark.parametrize("code", RETRY_AFTER)
def test_an_error_says_whether_to_try_again_and_when(code: str) -> None:
    frame, after = error(None, code, "Something."), RETRY_AFTER[code]

    assert frame.temporary is (after is not None)
    assert frame.retry_after_ms == (after / timedelta(milliseconds=1) if after else None)


def test_the_page_names_every_error() -> None:
    named = set(re.findall(r"`([a-z-]+)`", PAGE.read_text(encoding="utf-8")))

    assert set(RETRY_AFTER) <= named
