import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from studyspot.broker.errors import BrokerUnavailable, PublishRejected, PublishTimedOut
from studyspot.broker.publisher import WINDOW_BYTES, FencedPublisher
from studyspot.broker.stream import StreamMessage, ensure_stream, message_at
from tests.broker.streams import LIMIT, fill, last_position, message, messages, until
from tests.engines import NatsServer


@pytest.fixture
async def publisher(nc: Client) -> AsyncIterator[FencedPublisher]:
    made = FencedPublisher(nc)
    yield made
    await made.close()


async def test_messages_are_stored_at_their_positions(
    publisher: FencedPublisher, js: JetStreamContext
) -> None:
    await ensure_stream(js, epoch="k1")
    assert await publisher.publish(messages(1, 2500), window=100) == 2500
    assert await publisher.publish(messages(2501, 2600)) == 2600
    assert await last_position(js) == 2600
    for position in (1, 777, 2500, 2600):
        assert await message_at(js, position) == message(position)


async def test_a_duplicate_is_rejected(publisher: FencedPublisher, nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 5)
    with pytest.raises(PublishRejected) as rejection:
        await publisher.publish([message(5)])
    assert rejection.value.position == 5
    assert await last_position(js) == 5


async def test_a_gap_is_rejected(publisher: FencedPublisher, nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 5)
    with pytest.raises(PublishRejected) as rejection:
        await publisher.publish([message(7)])
    assert rejection.value.position == 7
    assert await last_position(js) == 5


async def test_a_rejection_in_the_middle_of_a_pipeline_rejects_all_that_follow(
    publisher: FencedPublisher, js: JetStreamContext
) -> None:
    await ensure_stream(js, epoch="k1")
    broken = [*messages(1, 400), *messages(402, 900)]
    with pytest.raises(PublishRejected) as rejection:
        await publisher.publish(broken)
    assert rejection.value.position == 402
    assert await last_position(js) == 400


async def test_after_a_rejection_the_same_publisher_goes_on(
    publisher: FencedPublisher, js: JetStreamContext
) -> None:
    await ensure_stream(js, epoch="k1")
    for _ in range(20):
        before = await last_position(js)
        with pytest.raises(PublishRejected):
            await publisher.publish(
                [*messages(before + 1, before + 10), *messages(before + 12, before + 1500)], window=50
            )
        assert await publisher.publish(messages(before + 11, before + 20)) == before + 20


async def test_two_publishers_of_the_same_messages_store_each_once(nc: Client, js: JetStreamContext) -> None:
    await ensure_stream(js, epoch="k1")

    async def relay_all(last: int) -> None:
        publisher = FencedPublisher(nc)
        while (done := await last_position(js)) < last:
            try:
                await publisher.publish(messages(done + 1, min(done + 100, last)), window=7)
            except PublishRejected:
                continue
        await publisher.close()

    async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(relay_all(2000))
    assert await last_position(js) == 2000
    for position in range(1, 2001, 97):
        assert await message_at(js, position) == message(position)


async def test_without_a_stream_the_first_message_is_rejected(publisher: FencedPublisher) -> None:
    with pytest.raises(PublishRejected) as rejection:
        await publisher.publish(messages(1, 10))
    assert rejection.value.position == 1


async def test_a_message_that_cannot_be_published_is_a_rejection_of_its_position(
    publisher: FencedPublisher, nc: Client, js: JetStreamContext
) -> None:
    await ensure_stream(js, epoch="k1")
    with pytest.raises(PublishRejected) as rejection:
        await publisher.publish([message(1), StreamMessage(2, "studyspot.a b.c.d.e", b"x"), message(3)])
    assert rejection.value.position == 2
    for size in (nc.max_payload - 10, nc.max_payload + 1):
        with pytest.raises(PublishRejected) as rejection:
            await publisher.publish([message(2, size=size)])
        assert rejection.value.position == 2
    assert nc.is_connected
    assert await last_position(js) == 1


async def test_messages_larger_than_the_window_are_published_one_by_one(
    publisher: FencedPublisher, js: JetStreamContext
) -> None:
    await ensure_stream(js, epoch="k1")
    size = WINDOW_BYTES - 200
    assert await publisher.publish(messages(1, 5, size=size)) == 5


async def test_a_silent_server_ends_the_wait_and_a_later_attempt_stores_nothing_twice(
    publisher: FencedPublisher, js: JetStreamContext, nats_server: NatsServer
) -> None:
    await ensure_stream(js, epoch="k1")
    await publisher.publish(messages(1, 10))
    nats_server.freeze()
    with pytest.raises(PublishTimedOut) as timeout:
        async with asyncio.timeout(LIMIT):
            await publisher.publish(messages(11, 500), timeout=timedelta(milliseconds=300))
    assert timeout.value.after == 10
    nats_server.thaw()
    # What was under way arrives now, late, perhaps amid the next attempt.
    async with asyncio.timeout(LIMIT):
        while (done := await last_position(js)) < 600:
            try:
                await publisher.publish(messages(done + 1, 600))
            except PublishRejected:
                continue
    assert await last_position(js) == 600
    for position in (11, 12, 499, 500, 501, 600):
        assert await message_at(js, position) == message(position)


async def test_a_server_killed_amid_a_pipeline_is_unavailable_and_what_it_acknowledged_is_kept(
    publisher: FencedPublisher, nc: Client, js: JetStreamContext, nats_server: NatsServer
) -> None:
    await ensure_stream(js, epoch="k1")
    endless = asyncio.create_task(publisher.publish(messages(1, 200_000)))
    async with asyncio.timeout(LIMIT):
        while await last_position(js) < 300:
            assert not endless.done()
        nats_server.kill()
        with pytest.raises(BrokerUnavailable):
            await endless
        nats_server.restart()
        await until(lambda: nc.is_connected)
        done = await last_position(js)
        assert done >= 300
        assert await publisher.publish(messages(done + 1, done + 50)) == done + 50
