"""What the tests of read models share."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import nats
import pytest
from nats.aio.client import Client

from studyspot.projections.models.registry import PROJECTIONS
from tests.engines import NatsServer, PostgresServer
from tests.projections.serving import reads_of
from tests.projections.system import Log, a_log, working


@pytest.fixture
async def log(postgres_server: PostgresServer) -> AsyncIterator[Log]:
    """An empty log in a database of its own."""
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log:
            yield log


@pytest.fixture
async def reads(log: Log) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the reads, with a worker for each projection."""
    async with AsyncExitStack() as stack:
        for projection in PROJECTIONS:
            await stack.enter_async_context(working(log, projection))
        yield await stack.enter_async_context(reads_of(log))


@pytest.fixture
async def relay(nats_server: NatsServer) -> AsyncIterator[Client]:
    """A connection that may make and fill the stream."""
    connection = await nats.connect(
        nats_server.urls.relay, max_reconnect_attempts=-1, reconnect_time_wait=1, error_cb=_expected
    )
    yield connection
    await connection.close()


async def _expected(_: Exception) -> None:
    """Tests kill the server on purpose."""
