"""What the tests of policies share."""

from collections.abc import Iterator

import pytest

from tests.engines import PostgresServer
from tests.policies.system import Log, a_log


@pytest.fixture
def log(postgres_server: PostgresServer) -> Iterator[Log]:
    """An empty log in a database of its own, the day before the bookings of these tests."""
    with postgres_server.migrated_database() as url, a_log(url) as log:
        yield log
