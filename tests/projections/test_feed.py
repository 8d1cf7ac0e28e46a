"""What the broker brings: every message, in order, at once."""

import asyncio
import statistics
import time
from contextlib import suppress
from datetime import timedelta

from nats.aio.client import Client

from studyspot.broker.stream import StreamMessage, ensure_stream
from studyspot.projections.feed import Beginning, Feed
from studyspot.projections.inbox import MOST_MESSAGES, Inbox
from tests.engines import NatsServer
from tests.projections.system import until_consumed


async def test_a_trickle_is_brought_whole_and_at_once(relay: Client, nats_server: NatsServer) -> None:
    await ensure_stream(relay.jetstream(), epoch="e1")
    inbox = Inbox()
    feed = Feed(nats_server.urls.projections, [inbox], lambda: Beginning(0, "e1"))
    feeding = asyncio.create_task(feed.run())
    waits: list[float] = []
    try:
        await until_consumed(relay.jetstream())
        for number in range(1, 101):
            begun = time.monotonic()
            await relay.publish("studyspot.booking.created.L1.student", b"{}")
            while not (batch := await inbox.next(timedelta(seconds=30))):
                pass
            assert [message.position for message in batch] == [number]
            waits.append(time.monotonic() - begun)
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding
    # A batch's time is 100 ms.
    assert statistics.median(waits) < 0.05, "batches are kept back until their time is up"


async def test_a_stream_of_another_epoch_is_not_read(relay: Client, nats_server: NatsServer) -> None:
    streams = relay.jetstream()
    await ensure_stream(streams, epoch="old")
    epoch = "new"
    inbox = Inbox()
    feed = Feed(nats_server.urls.projections, [inbox], lambda: Beginning(0, epoch))
    feeding = asyncio.create_task(feed.run())
    try:
        await relay.publish("studyspot.booking.created.L1.student", b"{}")
        assert not await inbox.next(timedelta(seconds=1.5))
        epoch = "old"
        assert await inbox.next(timedelta(seconds=30))
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding


async def test_messages_now_and_then_are_not_kept_back(relay: Client, nats_server: NatsServer) -> None:
    await ensure_stream(relay.jetstream(), epoch="e1")
    inbox = Inbox()
    feed = Feed(nats_server.urls.projections, [inbox], lambda: Beginning(0, "e1"))
    feeding = asyncio.create_task(feed.run())
    waits: list[float] = []
    try:
        await until_consumed(relay.jetstream())
        for number in range(20):
            # Long enough that whoever asks has been waiting for a while, each time for another one.
            assert not await inbox.next(timedelta(milliseconds=20 + 7 * number))
            begun = time.monotonic()
            await relay.publish("studyspot.booking.created.L1.student", b"{}")
            assert await inbox.next(timedelta(seconds=30))
            waits.append(time.monotonic() - begun)
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding
    # Half of a batch's time would be usual.
    assert statistics.median(waits) < 0.03, "a message waits for others that do not come"


async def test_an_inbox_that_nobody_empties_keeps_its_first_messages_and_grows_no_more() -> None:
    inbox = Inbox()
    for position in range(1, 2 * MOST_MESSAGES):
        inbox.put((StreamMessage(position, "studyspot.x.y._._", b""),))
    brought = await inbox.next(timedelta(seconds=1))
    assert [message.position for message in brought] == list(range(1, MOST_MESSAGES + 1))
    assert await inbox.next(timedelta(milliseconds=1)) == ()
