import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from structlog.testing import capture_logs

from studyspot.broker.connection import connect
from studyspot.broker.consumer import WatchedConsumer
from studyspot.broker.errors import BrokerClosed, EpochChanged, PositionForgotten
from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.stream import STREAM, StreamMessage, delete_stream, ensure_stream
from tests.broker.streams import (
    EPOCH,
    LIMIT,
    collect,
    fill,
    lose_disk,
    message,
    messages,
    publish,
    until,
)
from tests.engines import NatsServer

HEARTBEAT_BYTES = 2_000
"""No fewer than two of them have."""


async def erase_and_publish_again(nc: Client, js: JetStreamContext, last: int) -> None:
    await delete_stream(js)
    await fill(nc, js, last)


async def test_everything_comes_in_order_from_the_position_asked_for(
    nc: Client, js: JetStreamContext
) -> None:
    await fill(nc, js, 5000)
    async with WatchedConsumer(nc, after=10) as consumer:
        assert await collect(consumer, 5000) == messages(11, 5000)
        assert consumer.position == consumer.head == 5000
        assert consumer.epoch == EPOCH


async def test_all_that_has_arrived_comes_as_one_batch(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 1)
    async with WatchedConsumer(nc, after=0) as consumer:
        assert await anext(consumer) == (message(1),)
        await publish(nc, messages(2, 100))
        await nc.flush()
        await until(lambda: consumer.head == 100)
        assert await anext(consumer) == tuple(messages(2, 100))


async def test_a_new_message_comes_at_once(nc: Client, js: JetStreamContext, nats_url: str) -> None:
    await fill(nc, js, 1)
    reader = await connect(nats_url, name="reader")
    publisher = FencedPublisher(nc)
    delays: list[float] = []
    async with WatchedConsumer(reader, after=1) as consumer:
        clock = asyncio.get_running_loop().time
        for position in range(2, 102):
            waiting = asyncio.ensure_future(anext(consumer))
            begun = clock()
            await publisher.publish([message(position)])
            await asyncio.wait_for(waiting, LIMIT)
            delays.append(clock() - begun)
    await reader.close()
    # Whoever looks from time to time, every 250 ms, finds half of them later than this.
    assert sorted(delays)[50] < 0.1


async def test_subjects_are_filtered_by_the_server(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 300)
    subjects = ("studyspot.*.*.L3.*", "studyspot.*.*.*.s4", "studyspot.*.*.L3.s3")
    wanted = [each for each in messages(1, 300) if each.position % 10 == 3 or each.position % 100 == 4]
    async with WatchedConsumer(nc, after=0, subjects=subjects) as consumer:
        assert await collect(consumer, 300 - 7) == wanted


async def test_a_consumer_that_has_received_nothing_begins_again_at_its_own_position(
    nc: Client, js: JetStreamContext
) -> None:
    await fill(nc, js, 50)
    async with WatchedConsumer(nc, after=50) as consumer:
        waiting = asyncio.ensure_future(anext(consumer))
        await until(lambda: consumer.epoch is not None)
        async with asyncio.timeout(LIMIT):
            await erase_and_publish_again(nc, js, 50)
            await publish(nc, [message(51)])
            assert await waiting == (message(51),)


async def test_a_stream_erased_and_made_again_brings_nothing_twice_and_loses_nothing(
    nc: Client, js: JetStreamContext
) -> None:
    await fill(nc, js, 100)
    async with (
        WatchedConsumer(nc, after=0) as all_of_it,
        WatchedConsumer(nc, after=0, subjects=("studyspot.*.*.L0.*",)) as some_of_it,
    ):
        everything, some = (
            asyncio.ensure_future(collect(all_of_it, 200)),
            asyncio.ensure_future(collect(some_of_it, 200)),
        )
        await until(lambda: all_of_it.position == some_of_it.position == 100)
        await delete_stream(js)
        async with asyncio.timeout(LIMIT):
            await ensure_stream(js, epoch=EPOCH)
            await publish(nc, messages(1, 25))
            # They follow again while the stream is behind them: they must neither go back nor run ahead.
            while len(await js.consumers_info(STREAM)) < 2:
                assert not everything.done()
            for first in range(26, 200, 25):
                await publish(nc, messages(first, first + 24))
            assert await everything == messages(1, 200)
            assert await some == [each for each in messages(1, 200) if each.position % 10 == 0]


async def test_a_reader_ahead_of_the_stream_waits_until_the_stream_reaches_it(
    nc: Client, js: JetStreamContext
) -> None:
    await fill(nc, js, 5)
    async with WatchedConsumer(nc, after=8) as consumer:
        waiting = asyncio.ensure_future(anext(consumer))
        await until(lambda: consumer.epoch is not None)
        await publish(nc, messages(6, 9))
        assert await asyncio.wait_for(waiting, LIMIT) == (message(9),)


async def test_a_killed_server_that_starts_again_is_followed_on(
    nc: Client, js: JetStreamContext, nats_server: NatsServer
) -> None:
    await fill(nc, js, 100)
    async with WatchedConsumer(nc, after=0) as consumer:
        everything = asyncio.ensure_future(collect(consumer, 150))
        await until(lambda: consumer.position == 100)
        nats_server.kill()
        await until(lambda: not nc.is_connected)
        nats_server.restart()
        async with asyncio.timeout(LIMIT):
            await until(lambda: nc.is_connected)
            await publish(nc, messages(101, 150))
            assert await everything == messages(1, 150)


async def test_a_frozen_server_is_silent_and_then_followed_on(
    nc: Client, js: JetStreamContext, nats_server: NatsServer
) -> None:
    await fill(nc, js, 10)
    told: list[datetime | None] = []
    async with WatchedConsumer(nc, after=0, on_silence=told.append) as consumer:
        everything = asyncio.ensure_future(collect(consumer, 20))
        await until(lambda: consumer.position == 10 and consumer.silent_since is None)
        nats_server.freeze()
        before = datetime.now(UTC)
        await until(lambda: consumer.silent_since is not None)
        await until(lambda: told[-1:] not in ([], [None]))
        assert consumer.silent_since is not None
        assert abs(consumer.silent_since - before) < timedelta(seconds=2)
        nats_server.thaw()
        await until(lambda: consumer.silent_since is None)
        await publish(nc, messages(11, 20))
        assert await everything == messages(1, 20)
        assert told[-1] is None


async def test_a_server_that_lost_its_disk_is_followed_on(
    nc: Client, js: JetStreamContext, nats_server: NatsServer
) -> None:
    await fill(nc, js, 100)
    async with WatchedConsumer(nc, after=0) as consumer:
        everything = asyncio.ensure_future(collect(consumer, 120))
        await until(lambda: consumer.position == 100)
        lose_disk(nats_server)
        await until(lambda: not nc.is_connected)
        nats_server.restart()
        async with asyncio.timeout(LIMIT):
            await until(lambda: nc.is_connected)
            await fill(nc, js, 120)
            assert await everything == messages(1, 120)


async def test_messages_lost_on_the_way_are_fetched_again(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 10)
    with capture_logs() as logs:
        async with WatchedConsumer(nc, after=0) as consumer:
            everything = asyncio.ensure_future(collect(consumer, 2010))
            await until(lambda: consumer.position == 10)
            # The client drops what exceeds a subscription's limit, as it does for any slow consumer.
            assert consumer._delivery is not None
            assert consumer._delivery._subscription is not None
            consumer._delivery._subscription._pending_bytes_limit = 40
            await publish(nc, messages(11, 2010, size=30))
            assert await everything == [*messages(1, 10), *messages(11, 2010, size=30)]
    assert any(line["event"] == "consumer is made again" for line in logs)


async def bytes_until_only_heartbeats_come(reader: Client) -> int:
    """The bytes that have come once the server has nothing more to say; its heartbeats carry few."""
    size = -HEARTBEAT_BYTES
    while reader.stats["in_bytes"] > size + HEARTBEAT_BYTES:
        size, heard = reader.stats["in_bytes"], reader.stats["in_msgs"]
        await until(partial(comes, reader, heard + 2))
    return size


def comes(reader: Client, count: int) -> bool:
    return reader.stats["in_msgs"] >= count


async def test_a_slow_reader_leaves_the_rest_with_the_server_and_misses_nothing(
    nc: Client, js: JetStreamContext, nats_url: str
) -> None:
    count, size = 12_000, 4_000
    await fill(nc, js, count, size=size)
    reader = await connect(nats_url, name="slow reader")
    async with WatchedConsumer(reader, after=0) as consumer:
        first = await anext(consumer)
        settled = await bytes_until_only_heartbeats_come(reader)
        assert settled < count * size / 2
        async with asyncio.timeout(LIMIT):
            rest = await collect(consumer, count)
    await reader.close()
    assert [each.position for each in [*first, *rest]] == list(range(1, count + 1))


async def test_a_changed_epoch_is_told(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 10)
    async with WatchedConsumer(nc, after=0) as consumer:
        assert await collect(consumer, 10) == messages(1, 10)
        waiting = asyncio.ensure_future(anext(consumer))
        await delete_stream(js)
        await ensure_stream(js, epoch="k2")
        with pytest.raises(EpochChanged) as change:
            await asyncio.wait_for(waiting, LIMIT)
        assert (change.value.expected, change.value.found) == (EPOCH, "k2")


async def test_nothing_of_another_epoch_comes_to_one_who_expects_his_own(
    nc: Client, js: JetStreamContext
) -> None:
    await fill(nc, js, 10)
    async with WatchedConsumer(nc, after=5, epoch="k0") as consumer:
        with pytest.raises(EpochChanged):
            await asyncio.wait_for(anext(consumer), LIMIT)


async def test_a_position_that_the_stream_no_longer_holds_is_told(nc: Client, js: JetStreamContext) -> None:
    await ensure_stream(js, epoch=EPOCH, first_position=100)
    await publish(nc, messages(100, 110))
    async with WatchedConsumer(nc, after=50) as consumer:
        with pytest.raises(PositionForgotten) as forgotten:
            await asyncio.wait_for(anext(consumer), LIMIT)
    assert (forgotten.value.after, forgotten.value.first) == (50, 100)
    async with WatchedConsumer(nc, after=99) as consumer:
        assert await collect(consumer, 110) == messages(100, 110)


async def test_a_cancelled_wait_loses_nothing(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 1)
    found: list[StreamMessage] = []
    async with WatchedConsumer(nc, after=0) as consumer:
        for first in range(2, 502, 10):
            await publish(nc, messages(first, first + 9))
            try:
                found += await asyncio.wait_for(anext(consumer), 0.0005)
            except TimeoutError:
                continue
        found += await collect(consumer, 501) if consumer.position < 501 else []
    assert found == messages(1, 501)


async def test_a_connection_closed_for_good_ends_the_iteration(
    nc: Client, js: JetStreamContext, nats_url: str
) -> None:
    await fill(nc, js, 1)
    reader = await connect(nats_url, name="reader")
    consumer = WatchedConsumer(reader, after=1)
    waiting = asyncio.ensure_future(anext(consumer))
    await until(lambda: consumer.epoch is not None)
    await reader.close()
    with pytest.raises(BrokerClosed):
        await asyncio.wait_for(waiting, LIMIT)
