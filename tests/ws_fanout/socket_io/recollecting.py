"""Nodes' memories of connections, and what is in the bucket that they share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.client import Client

from studyspot.broker.buckets import SOCKETS, get_value
from studyspot.broker.connection import connect
from studyspot.ws_fanout.ending import end_tasks
from studyspot.ws_fanout.socket_io.recollection import Recollection
from studyspot.ws_fanout.socket_io.remembered import Remembered
from tests.engines import NatsServer

LIMIT = 30


ASHA = Remembered("s1", "k3", {"library:L1": 120, "library:L2": 131}, 118)


@asynccontextmanager
async def node(server: NatsServer, **bounds: int) -> AsyncIterator[Recollection]:
    """The memory of one node, with the rights of the fan-out's user."""
    async with connected(server) as nc:
        recollection = Recollection(nc, **bounds)
        running = asyncio.create_task(recollection.run())
        try:
            yield recollection
        finally:
            async with asyncio.timeout(LIMIT):
                await end_tasks([running])


@asynccontextmanager
async def connected(server: NatsServer) -> AsyncIterator[Client]:
    async with _connection(server.urls.fanout) as nc:
        yield nc


@asynccontextmanager
async def admin(server: NatsServer) -> AsyncIterator[Client]:
    async with _connection(server.urls.admin) as nc:
        yield nc


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[Client]:
    nc = await connect(url, name="test")
    try:
        yield nc
    finally:
        await nc.close()


async def recalled(recollection: Recollection, pid: str) -> Remembered | None:
    answer: asyncio.Future[Remembered | None] = asyncio.get_running_loop().create_future()
    recollection.recall(pid, answer.set_result)
    assert not answer.done(), "the caller is not to be called before it goes on"
    async with asyncio.timeout(LIMIT):
        return await answer


async def recalled_at_last(recollection: Recollection, pid: str, expected: Remembered | None) -> None:
    async with asyncio.timeout(LIMIT):
        while await recalled(recollection, pid) != expected:  # noqa: ASYNC110  It is asked.
            await asyncio.sleep(0.01)


async def in_bucket(server: NatsServer, pid: str) -> None:
    """Wait until something is written, so that also a node that is killed would have told it."""
    async with connected(server) as nc, asyncio.timeout(LIMIT):
        while await get_value(nc.jetstream(timeout=LIMIT), SOCKETS, pid) is None:  # noqa: ASYNC110  As above.
            await asyncio.sleep(0.01)
