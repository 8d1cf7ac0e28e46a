"""A scripted fan-out, and clients of it."""

from collections.abc import AsyncIterator

import pytest

from studyspot.client.client import Client
from tests.client.clocks import EagerClock, Highest
from tests.client.scripted_socket import ScriptedServer, scripted_server


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as script:
        yield script


@pytest.fixture
def clock() -> EagerClock:
    return EagerClock()


@pytest.fixture
def chance() -> Highest:
    return Highest()


@pytest.fixture
async def client(server: ScriptedServer, clock: EagerClock, chance: Highest) -> AsyncIterator[Client]:
    """A client of the scripted server, whose waits are over at once."""
    async with Client("http://127.0.0.1:1", server.url, "token", clock=clock, chance=chance) as made:
        yield made
