import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from studyspot.broker.errors import BrokerUnavailable, EpochChanged, PositionForgotten
from studyspot.broker.reading import read_range
from studyspot.broker.stream import STREAM, SUBJECTS, StreamMessage, ensure_stream
from tests.broker.streams import EPOCH, LIMIT, fill, messages, publish
from tests.engines import NatsServer


async def read(nc: Client, after: int, until: int, *subjects: str) -> list[StreamMessage]:
    found: list[StreamMessage] = []
    async with (
        asyncio.timeout(LIMIT),
        aclosing(read_range(nc, after=after, until=until, subjects=subjects)) as batches,
    ):
        async for batch in batches:
            found += batch
    return found


async def test_a_range_is_read_from_after_its_start_to_its_end(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 3000)
    assert await read(nc, 100, 2500) == messages(101, 2500)
    assert await read(nc, 0, 3000) == messages(1, 3000)
    assert await read(nc, 7, 8) == messages(8, 8)
    assert await read(nc, 8, 8) == []


async def test_only_what_the_filters_match_is_sent(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 3000)
    received = nc.stats["in_msgs"]
    found = await read(nc, 100, 2000, "studyspot.*.*.L7.*", "studyspot.*.*.*.s42", "studyspot.*.*.L7.s7")
    assert found == [
        each for each in messages(101, 2000) if each.position % 10 == 7 or each.position % 100 == 42
    ]
    assert nc.stats["in_msgs"] - received < 400


async def test_a_range_that_matches_nothing_ends_at_once(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 1000)
    # One that waited for more would hear heartbeats for ever.
    assert await read(nc, 0, 1000, "studyspot.*.*.L99.*") == []
    assert await read(nc, 990, 999, "studyspot.*.*.L0.*") == []


async def test_a_range_ends_while_new_messages_keep_coming(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 1000)
    stop = asyncio.Event()

    async def keep_publishing() -> None:
        last = 1000
        while not stop.is_set():
            last = await publish(nc, messages(last + 1, last + 20))

    async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_publishing())
        for _ in range(10):
            assert await read(nc, 500, 1000) == messages(501, 1000)
            assert [each.position for each in await read(nc, 500, 1000, "studyspot.*.*.L0.*")] == list(
                range(510, 1001, 10)
            )
        stop.set()


async def test_many_ranges_are_read_at_once(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 2000)
    found = await asyncio.gather(*(read(nc, 0, 2000, f"studyspot.*.*.*.s{user}") for user in range(60)))
    assert [[each.position for each in mine] for mine in found] == [
        list(range(user or 100, 2001, 100)) for user in range(60)
    ]


async def test_a_range_beyond_the_stream_is_not_available(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 10)
    with pytest.raises(BrokerUnavailable):
        await read(nc, 5, 11)


async def test_a_range_of_another_epoch_is_refused(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 10)
    async with aclosing(read_range(nc, after=0, until=10, epoch="k0")) as batches:
        with pytest.raises(EpochChanged):
            await anext(batches)


async def test_a_range_that_begins_before_the_stream_is_forgotten(nc: Client, js: JetStreamContext) -> None:
    await ensure_stream(js, epoch=EPOCH, first_position=100)
    await publish(nc, messages(100, 110))
    with pytest.raises(PositionForgotten):
        await read(nc, 50, 105, "studyspot.*.*.L1.*")
    assert await read(nc, 99, 105) == messages(100, 105)


async def test_what_comes_before_a_hole_is_read_however_slowly_it_is_taken(
    nc: Client, js: JetStreamContext
) -> None:
    await js.add_stream(StreamConfig(name=STREAM, subjects=list(SUBJECTS)))
    await publish(nc, messages(1, 3000, size=1000))
    await js.delete_msg(STREAM, 2900)
    found: list[StreamMessage] = []

    async def read_slowly() -> None:
        async with aclosing(read_range(nc, after=0, until=3000)) as batches:
            async for batch in batches:
                found.extend(batch)
                # The rest arrives while the first is looked at: whatever is sent is here after an answer.
                for _ in range(20):
                    await nc.flush()

    with pytest.raises(PositionForgotten) as forgotten:
        await asyncio.wait_for(read_slowly(), LIMIT)
    assert found == messages(1, 2899, size=1000)
    assert (forgotten.value.after, forgotten.value.first) == (2899, 2901)


async def test_a_server_that_falls_silent_ends_the_reading_within_its_limit(
    nc: Client, js: JetStreamContext, nats_server: NatsServer
) -> None:
    await fill(nc, js, 10_000, size=1000)
    async with (
        asyncio.timeout(LIMIT),
        aclosing(read_range(nc, after=0, until=10_000, limit=timedelta(seconds=1))) as batches,
    ):
        await anext(batches)
        nats_server.freeze()
        with pytest.raises(BrokerUnavailable):
            async for _ in batches:
                pass
