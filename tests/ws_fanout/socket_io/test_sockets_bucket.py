"""How much the bucket of connections keeps, and of whom."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from nats.js.api import DiscardPolicy, StorageType

from studyspot.broker.buckets import SOCKETS, ensure_buckets, put_values, stream_of
from studyspot.broker.errors import BrokerUnavailable
from studyspot.ws_fanout.socket_io.remembered import Remembered
from studyspot.ws_fanout.socket_io.shares import SHARE_BYTES
from tests.engines import NatsServer
from tests.ws_fanout.socket_io.recollecting import (
    ASHA,
    LIMIT,
    admin,
    in_bucket,
    node,
    recalled_at_last,
)


async def test_the_bucket_keeps_one_value_of_each_for_a_day_and_no_more_than_its_bytes(
    nats_server: NatsServer,
) -> None:
    async with node(nats_server) as one:
        one.remember("p-1", ASHA)
        await in_bucket(nats_server, "p-1")
        one.remember("p-1", Remembered("s1", "k3", {}, 200))
        one.remember("p-2", ASHA)
        await in_bucket(nats_server, "p-2")
    async with admin(nats_server) as nc:
        info = await nc.jetstream().stream_info(stream_of(SOCKETS))
    assert info.state.messages == 2
    config = info.config
    assert config.storage == StorageType.FILE
    assert config.max_age == timedelta(hours=24).total_seconds()
    assert config.max_msgs_per_subject == 1
    assert config.discard == DiscardPolicy.OLD
    assert 0 < (config.max_bytes or 0) <= 1024**3


async def test_one_account_pushes_only_its_own_connections_out(nats_server: NatsServer) -> None:
    async with admin(nats_server) as nc:
        js = nc.jetstream(timeout=LIMIT)
        await ensure_buckets(js, (SOCKETS,))
        info = await js.stream_info(stream_of(SOCKETS))
        await js.update_stream(replace(info.config, max_bytes=4 * SHARE_BYTES))
    rooms = {f"library:{number:064}": number for number in range(200)}
    async with node(nats_server) as one, node(nats_server) as other:
        one.remember("asha", ASHA)
        await in_bucket(nats_server, "asha")
        count = 10 * SHARE_BYTES // len(str(rooms))
        for number in range(count):
            one.remember(f"p-{number}", Remembered("flood", "k3", rooms, number))
        await in_bucket(nats_server, f"p-{count - 1}")
        await recalled_at_last(other, "p-0", None)

        await recalled_at_last(other, "asha", ASHA)
        for number in range(count - 20, count):
            await recalled_at_last(other, f"p-{number}", Remembered("flood", "k3", rooms, number))


async def test_what_is_pushed_out_leaves_nothing_behind(nats_server: NatsServer) -> None:
    async with node(nats_server, share_bytes=2000) as one, admin(nats_server) as nc:
        for number in range(500):
            one.remember(f"p-{number}", ASHA)
        await in_bucket(nats_server, "p-499")
        js = nc.jetstream(timeout=LIMIT)
        async with asyncio.timeout(LIMIT):
            while (await js.stream_info(stream_of(SOCKETS))).state.messages > 20:  # noqa: ASYNC110  As above.
                await asyncio.sleep(0.05)
        await recalled_at_last(one, "p-499", ASHA)


async def test_a_bucket_that_takes_nothing_is_told_as_unavailable(nats_server: NatsServer) -> None:
    async with admin(nats_server) as nc:
        js = nc.jetstream(timeout=LIMIT)
        await js.add_stream(name="squatter", subjects=["$KV.sockets.>"])
        with pytest.raises(BrokerUnavailable):
            await put_values(nc, SOCKETS, {"p-1": b"{}"}, limit=timedelta(seconds=2))
