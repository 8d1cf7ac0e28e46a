"""What a person does not want to be told: kept with their account, and not in the log."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

ANSWER_WITHIN = timedelta(seconds=4)
_CLOSE_WITHIN = ANSWER_WITHIN + timedelta(milliseconds=500)


async def read_muted(connection: AsyncConnection, user_id: str) -> frozenset[str]:
    """Return the kinds of notices that a person has muted."""
    found = await connection.execute("SELECT kinds FROM accounts.muted WHERE user_id = %s", [user_id])
    row = await found.fetchone()
    return frozenset(row[0]) if row is not None else frozenset()


async def mute(connection: AsyncConnection, user_id: str, kinds: Collection[str]) -> None:
    """Let a person be told everything but these kinds."""
    await connection.execute(
        "INSERT INTO accounts.muted (user_id, kinds) VALUES (%s, %s)"
        " ON CONFLICT (user_id) DO UPDATE SET kinds = excluded.kinds",
        [user_id, sorted(kinds)],
    )


class MutedKinds:
    """The same by a pool's connections, within `ANSWER_WITHIN`.

    Every method raises psycopg.OperationalError (of which psycopg_pool.PoolTimeout is one) where the database
    does not answer in time.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def read(self, user_id: str) -> frozenset[str]:
        """Return what the person has muted."""
        async with self._connection() as connection:
            return await read_muted(connection, user_id)

    async def mute(self, user_id: str, kinds: Collection[str]) -> None:
        """Mute these kinds for the person, and no others."""
        async with self._connection() as connection:
            await mute(connection, user_id, kinds)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        try:
            # The inner limit asks the server to cancel; the outer one closes a connection that stays silent.
            async with (
                asyncio.timeout(_CLOSE_WITHIN.total_seconds()),
                asyncio.timeout(ANSWER_WITHIN.total_seconds()),
                self._pool.connection() as connection,
            ):
                yield connection
        except TimeoutError as error:
            raise psycopg.OperationalError("the database did not answer in time") from error
