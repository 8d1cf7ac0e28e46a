"""The pointer to the build that is read, and what those who move it at the same time may not do."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from studyspot.projections.builds import Build, lock_pointer, make_current, prepare
from studyspot.projections.models import seats
from tests.projections.system import Log, until

NEW = Build("seats", seats.PROJECTION.version, 2)


@pytest.fixture
async def connection(log: Log) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(log.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def old(connection: AsyncConnection) -> Build:
    """The build that is read, beside one that is to be read next."""
    old = await prepare(connection, seats.PROJECTION, "e1")
    await connection.execute(
        "INSERT INTO read.builds (name, version, number, tables, position, epoch)"
        " VALUES ('seats', %s, 2, '{}', 0, 'e1')",
        [seats.PROJECTION.version],
    )
    return old


def read(log: Log) -> list[tuple[int]]:
    return log.rows("SELECT number FROM read.current WHERE name = 'seats'")


async def test_a_build_that_has_given_way_is_never_read_again(
    log: Log, connection: AsyncConnection, old: Build
) -> None:
    assert await make_current(connection, NEW)
    assert not await make_current(connection, old)
    assert read(log) == [(2,)]
    assert log.rows("SELECT number FROM read.builds WHERE superseded_at IS NOT NULL") == [(1,)]


async def test_who_moves_the_pointer_meanwhile_is_waited_for(
    log: Log, connection: AsyncConnection, old: Build
) -> None:
    async with await AsyncConnection.connect(log.database_url, autocommit=True) as worker:
        async with connection.transaction():
            await lock_pointer(connection, "seats")
            late = asyncio.create_task(make_current(worker, old))
            await until(lambda: log.rows("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
            assert await make_current(connection, NEW)
        assert not await late
    assert read(log) == [(2,)]
