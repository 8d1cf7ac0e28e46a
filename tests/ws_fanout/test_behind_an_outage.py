"""A reader that is behind, has read all there is, and waits for a stream that cannot be read just now."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from nats.aio.client import Client as Nats

from studyspot.broker.connection import connect
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.stream_reader import StreamReader
from tests.ws_fanout.events import booked
from tests.ws_fanout.node import Client, Node

LIMITS = Limits(unsent_bytes=4000, window_events=5)
WITHIN = 30


@pytest.fixture
async def nc(nats_url: str) -> AsyncIterator[Nats]:
    nc = await connect(nats_url, name="test")
    yield nc
    await nc.close()


def is_behind(node: Node) -> tuple[Client, Peer]:
    """A client that has read nothing for a while, of more events than the node remembers."""
    client, peer = node.connect("s1", rooms=["library:L1"])
    client.reads, client.full_bytes = False, 1000
    for number in range(100):
        node.publish(booked(student="s9", booking=f"B{number}"))
    assert peer.session.is_behind
    return client, peer


def pass_time(node: Node, by: timedelta) -> None:
    node.now = Now(node.now.seconds + by.total_seconds(), node.now.time + by)
    node.hub.tick()


@pytest.mark.parametrize("reads", [True, False])
async def test_only_who_does_not_read_is_taken_for_stalled(nc: Nats, *, reads: bool) -> None:
    node = Node(LIMITS)
    client, peer = is_behind(node)
    # There is no such stream: whatever is asked of it fails, until it is there.
    reader = StreamReader(nc, node.hub)
    reading = asyncio.create_task(reader.run())
    if reads:
        client.received += client.unread
        client.unread.clear()
        node.hub.drained(peer)
    try:
        for _ in range(4):
            pass_time(node, LIMITS.stalled_for / 3)
            node.hub.heard_pong(peer)
            if reads:
                await asks_once_more(node, reader)
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading

    code = client.closed[0] if client.closed is not None else None
    assert code == (None if reads else CloseCode.TOO_SLOW)


async def asks_once_more(node: Node, reader: StreamReader) -> None:
    """Let the lane be served: what was asked before has failed, and the stream is asked again."""
    async with asyncio.timeout(WITHIN):
        while not node.hub.replays.has_readings:
            node.hub.step()
            await asyncio.sleep(0.01)
        reader.wake()
        while node.hub.replays.has_readings:  # noqa: ASYNC110  Its reader takes it at its own time.
            await asyncio.sleep(0.01)
