from collections.abc import AsyncIterator, Iterator

import pytest
from benchmarks.history import write_history

from tests.engines import PostgresServer
from tests.projections.system import Log, a_log

EVENTS = 6_000


@pytest.fixture(scope="session")
def written_history(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a database to copy: some weeks of libraries and bookings."""
    with postgres_server.migrated_database() as url:
        write_history(url, EVENTS)
        yield url


@pytest.fixture
async def history(postgres_server: PostgresServer, written_history: str) -> AsyncIterator[Log]:
    """A log that holds some weeks of libraries and bookings, in a database of its own."""
    with postgres_server.copied_database(written_history) as url:
        async with a_log(url) as log:
            yield log
