import asyncio
import shutil

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import APIError

from studyspot.broker.errors import BrokerUnavailable
from studyspot.broker.stream import (
    STREAM,
    StreamState,
    delete_stream,
    ensure_stream,
    message_at,
    stream_state,
)
from tests.broker.streams import LIMIT, fill, message, publish, until
from tests.engines import NatsServer


async def test_there_is_no_state_before_the_stream_is_made(js: JetStreamContext) -> None:
    assert await stream_state(js) is None


async def test_a_new_stream_is_empty_and_carries_its_epoch(js: JetStreamContext) -> None:
    assert await ensure_stream(js, epoch="k7") == StreamState(1, 0, "k7")


async def test_the_first_message_of_a_stream_made_at_a_position_has_that_position(
    nc: Client, js: JetStreamContext
) -> None:
    assert await ensure_stream(js, epoch="k1", first_position=501) == StreamState(501, 500, "k1")
    assert await publish(nc, [message(501)]) == 501
    assert await stream_state(js) == StreamState(501, 501, "k1")


async def test_a_stream_that_is_there_is_left_as_it_is(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 3)
    assert await ensure_stream(js, epoch="k2", first_position=9) == StreamState(1, 3, "k1")


async def test_two_processes_may_make_the_stream_at_once(js: JetStreamContext) -> None:
    states = await asyncio.gather(*(ensure_stream(js, epoch="k1") for _ in range(8)))
    assert states == [StreamState(1, 0, "k1")] * 8


async def test_messages_can_be_neither_deleted_nor_purged(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 3)
    with pytest.raises(APIError):
        await js.delete_msg(STREAM, 2)
    with pytest.raises(APIError):
        await js.purge_stream(STREAM)
    assert await stream_state(js) == StreamState(1, 3, "k1")


async def test_a_message_is_found_at_its_position(nc: Client, js: JetStreamContext) -> None:
    await fill(nc, js, 3)
    assert await message_at(js, 2) == message(2)
    assert await message_at(js, 4) is None


async def test_deleting_a_stream_twice_is_no_error(js: JetStreamContext) -> None:
    await ensure_stream(js, epoch="k1")
    await delete_stream(js)
    await delete_stream(js)
    assert await stream_state(js) is None


async def test_a_new_stream_has_nothing_of_one_that_the_server_could_not_remove(
    nc: Client, js: JetStreamContext, nats_server: NatsServer
) -> None:
    await fill(nc, js, 3)
    (files,) = nats_server.engine._store.glob(f"jetstream/*/streams/{STREAM}")
    # Where the server moves a deleted stream's files; what stands there is still being removed.
    removing = files.with_name(f".{STREAM}")
    (removing / "msgs").mkdir(parents=True)
    await delete_stream(js)

    making = asyncio.create_task(ensure_stream(js, epoch="k2"))
    await until(files.exists)
    shutil.rmtree(removing)

    assert await making == StreamState(1, 0, "k2")
    assert await message_at(js, 1) is None


async def test_a_broker_that_is_away_is_reported_as_unavailable(nc: Client, nats_server: NatsServer) -> None:
    nats_server.stop()
    async with asyncio.timeout(LIMIT):
        with pytest.raises(BrokerUnavailable):
            await stream_state(nc.jetstream(timeout=1))
