"""A store on a database of its module's own."""

from collections.abc import Iterator

import pytest

from studyspot.event_store.store import EventStore
from tests.engines import PostgresServer


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    """A store whose log the tests of the module share: each uses tags of its own."""
    with EventStore(database_url) as store:
        yield store


@pytest.fixture
def empty_store(postgres_server: PostgresServer) -> Iterator[EventStore]:
    """A store with an empty log."""
    with postgres_server.migrated_database() as url, EventStore(url) as store:
        yield store
