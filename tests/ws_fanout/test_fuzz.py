"""Whatever a client sends, a session answers with frames of the protocol or closes; it never raises."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.events import EPOCH, booked, library_created
from tests.ws_fanout.node import Node

ROOMS = st.sampled_from(
    ("everyone", "user:s1", "user:s2", "library:L1", "library:L1:staff", "role:admin", "x:y")
)
IDS = st.one_of(st.none(), st.integers(), st.text(max_size=70), st.booleans(), st.floats(allow_nan=False))
SINCE = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {
            "epoch": st.sampled_from((EPOCH, "other", "")),
            "position": st.one_of(st.integers(-2, 5), st.integers(), st.text(max_size=3)),
        }
    ),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
FRAMES = st.one_of(
    ANYTHING,
    st.fixed_dictionaries(
        {"type": st.sampled_from(("connect", "join", "leave", "refresh", "ping", "event", "caught-up"))},
        optional={
            "id": IDS,
            "rooms": st.one_of(st.lists(st.one_of(ROOMS, ANYTHING), max_size=4), ANYTHING),
            "since": st.one_of(SINCE, ANYTHING),
            "token": st.one_of(st.text(max_size=30), ANYTHING),
            "conflate": ANYTHING,
            "surprise": ANYTHING,
        },
    ),
).map(lambda value: json.dumps(value))
DATA = st.one_of(FRAMES, st.text(max_size=50), st.binary(max_size=50))
ANSWERS = {"joined", "left", "refreshed", "pong", "error", "caught-up", "event", "connected"}


@given(frames=st.lists(DATA, min_size=1, max_size=12), connects=st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_frame_breaks_a_session(frames: list[str | bytes], connects: bool) -> None:
    node = Node(Limits(frames_at_once=1000))
    node.publish(library_created("L1", "o1"), booked())
    client, peer = node.connect("s1") if connects else node.open()

    for data in frames:
        answered = len(client.frames())
        node.hub.receive(peer, data)
        node.settle()
        assert client.closed is not None or not connects or len(client.frames()) > answered
    node.publish(booked(booking="B8"))

    kinds: set[Any] = {frame["type"] for frame in client.frames()}
    assert kinds <= ANSWERS
    if client.closed is not None:
        assert client.closed[0] in (CloseCode.MALFORMED, CloseCode.BAD_TOKEN)
    node.hub.gone(peer)
    assert node.hub.room_count == 0
    assert not node.hub.peers
