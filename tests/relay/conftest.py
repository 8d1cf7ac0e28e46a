"""An empty log, a connection with all rights, and relays between them."""

from collections.abc import AsyncIterator, Iterator

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from studyspot.broker.connection import connect
from studyspot.event_store.store import EventStore
from tests.engines import PostgresServer
from tests.relay.running import Running, relaying


@pytest.fixture
def log_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with an empty log."""
    with postgres_server.migrated_database() as url:
        yield url


@pytest.fixture
def store(log_url: str) -> Iterator[EventStore]:
    with EventStore(log_url) as opened:
        yield opened


@pytest.fixture
async def nc(nats_url: str) -> AsyncIterator[Client]:
    connection = await connect(nats_url, name="test")
    yield connection
    await connection.close()


@pytest.fixture
def js(nc: Client) -> JetStreamContext:
    return nc.jetstream(timeout=10)


@pytest.fixture
def relay(log_url: str, nats_url: str) -> Running:
    return lambda: relaying(log_url, nats_url)
