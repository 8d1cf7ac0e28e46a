import asyncio
from contextlib import aclosing

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from studyspot.broker.buckets import (
    NAMES,
    NameSet,
    ensure_buckets,
    erase_name,
    get_name,
    put_name,
    watch_names,
)
from studyspot.broker.errors import BrokerUnavailable
from tests.broker.streams import PATIENCE
from tests.engines import NatsServer


async def test_a_name_is_found_by_its_user_until_it_is_erased(js: JetStreamContext) -> None:
    await ensure_buckets(js)
    await ensure_buckets(js)
    assert await get_name(js, "s1") is None
    await put_name(js, "s1", "Asha Rao")
    await put_name(js, "s1", "Åsha Ráo")
    assert await get_name(js, "s1") == "Åsha Ráo"
    await erase_name(js, "s1")
    assert await get_name(js, "s1") is None


async def test_a_missing_bucket_is_reported_as_unavailable(js: JetStreamContext) -> None:
    with pytest.raises(BrokerUnavailable):
        await put_name(js, "s1", "Asha")
    with pytest.raises(BrokerUnavailable):
        await get_name(js, "s1")


async def test_a_server_that_is_away_is_reported_within_the_limit(
    nc: Client, js: JetStreamContext, nats_server: NatsServer
) -> None:
    await ensure_buckets(js)
    nats_server.freeze()
    async with asyncio.timeout(PATIENCE.total_seconds()):
        with pytest.raises(BrokerUnavailable):
            await put_name(nc.jetstream(timeout=1), "s1", "Asha")


async def test_a_watcher_is_told_the_names_that_are_set_and_then_every_change(
    nc: Client, js: JetStreamContext
) -> None:
    await ensure_buckets(js)
    for user in range(20):
        await put_name(js, f"s{user}", f"Name {user}")
    names: dict[str, str | None] = {}
    async with asyncio.timeout(PATIENCE.total_seconds()), aclosing(watch_names(nc)) as changes:
        while len(names) < 20:
            names |= {change.user_id: change.name for change in await anext(changes)}
        assert names == {f"s{user}": f"Name {user}" for user in range(20)}
        await put_name(js, "s3", "Renamed")
        assert await anext(changes) == (NameSet("s3", "Renamed"),)
        await erase_name(js, "s4")
        assert await anext(changes) == (NameSet("s4", None),)


async def test_a_watcher_survives_the_loss_of_the_bucket(nc: Client, js: JetStreamContext) -> None:
    await ensure_buckets(js)
    await put_name(js, "s1", "Asha")
    await put_name(js, "s2", "Bela")
    async with asyncio.timeout(PATIENCE.total_seconds()), aclosing(watch_names(nc)) as changes:
        told = [*await anext(changes)]
        while len(told) < 2:
            told += await anext(changes)
        await js.delete_key_value(NAMES)
        await ensure_buckets(js)
        await put_name(js, "s3", "Chitra")
        assert await anext(changes) == (NameSet("s3", "Chitra"),)
