"""What the tests of read models share."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from nats.aio.client import Client

from studyspot.broker.connection import connect
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.wire.positions import MIN_POSITION
from tests.engines import NatsServer, PostgresServer
from tests.projections.serving import Patient, reads_of
from tests.projections.system import Log, a_log, running, until


@pytest.fixture
async def log(postgres_server: PostgresServer) -> AsyncIterator[Log]:
    """An empty log in a database of its own."""
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log:
            yield log


@pytest.fixture
async def reads(log: Log) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the reads, with a worker of each projection; each of them is readable.

    What it asks is answered from all that was appended before, unless it names a position itself.
    """

    async def after_what_was_appended(request: httpx.Request) -> None:
        request.headers.setdefault(MIN_POSITION, str(log.store.head().position))

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running([log.worker(projection) for projection in PROJECTIONS]))
        await until(lambda: log.readable(*(projection.name for projection in PROJECTIONS)), limit=30)
        client = await stack.enter_async_context(reads_of(log, Patient()))
        client.event_hooks["request"].append(after_what_was_appended)
        yield client


@pytest.fixture
async def relay(nats_server: NatsServer) -> AsyncIterator[Client]:
    """A connection that may make and fill the stream."""
    connection = await connect(nats_server.urls.relay, name="test")
    yield connection
    await connection.close()
