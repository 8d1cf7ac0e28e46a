from collections.abc import AsyncIterator

import pytest
from benchmarks.history import write_history

from tests.engines import PostgresServer
from tests.projections.system import Log, a_log

EVENTS = 6_000


@pytest.fixture
async def history(postgres_server: PostgresServer) -> AsyncIterator[Log]:
    """A log that holds some weeks of libraries and bookings, in a database of its own."""
    with postgres_server.migrated_database() as url:
        write_history(url, EVENTS)
        async with a_log(url) as log:
            yield log
