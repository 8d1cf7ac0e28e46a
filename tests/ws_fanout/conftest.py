from collections.abc import AsyncIterator

import pytest

from studyspot.ws_fanout.app import Fanout
from tests.ws_fanout.live import Log, fanout_at, log_at
from tests.ws_fanout.node import Node


@pytest.fixture
def node() -> Node:
    """A node without sockets, whose clock the test moves."""
    return Node()


@pytest.fixture
async def log(nats_url: str) -> AsyncIterator[Log]:
    """A stream that the test writes."""
    async with log_at(nats_url) as log:
        yield log


@pytest.fixture
async def fanout(nats_url: str, log: Log) -> AsyncIterator[Fanout]:
    """A node with real sockets that follows it."""
    async with fanout_at(nats_url) as fanout:
        yield fanout
