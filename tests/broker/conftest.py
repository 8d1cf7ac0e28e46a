"""A connection with all rights, for the tests of the broker."""

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from studyspot.broker.connection import connect
from tests.broker.streams import PATIENCE


@pytest.fixture
async def nc(nats_url: str) -> AsyncIterator[Client]:
    connection = await connect(nats_url, name="test")
    yield connection
    await connection.close()


@pytest.fixture
def js(nc: Client) -> JetStreamContext:
    return nc.jetstream(timeout=PATIENCE.total_seconds())
