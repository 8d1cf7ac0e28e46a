"""What journeys of several files begin with."""

from collections.abc import AsyncIterator

import pytest

from tests.engines import PostgresServer
from tests.journeys.village import Village, a_village


@pytest.fixture
async def village(postgres_server: PostgresServer) -> AsyncIterator[Village]:
    with postgres_server.migrated_database() as url:
        async with a_village(url) as village:
            yield village
