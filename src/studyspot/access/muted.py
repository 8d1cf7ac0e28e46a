"""What a person does not want to be told: kept with their account, and not in the log."""

from collections.abc import Collection

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from studyspot.access.answering import answering


async def read_muted(connection: AsyncConnection, user_id: str) -> frozenset[str]:
    """Return the kinds of notices that a person has muted."""
    found = await connection.execute("SELECT kinds FROM accounts.muted WHERE user_id = %s", [user_id])
    row = await found.fetchone()
    return frozenset(row[0]) if row is not None else frozenset()


class MutedKinds:
    """What people have muted.

    Every method raises psycopg.OperationalError (of which psycopg_pool.PoolTimeout is one) where the database
    does not answer in time.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def read(self, user_id: str) -> frozenset[str]:
        """Return what the person has muted."""
        async with answering(self._pool) as connection:
            return await read_muted(connection, user_id)

    async def mute(self, user_id: str, kinds: Collection[str]) -> None:
        """Let the person be told everything but these kinds."""
        async with answering(self._pool) as connection:
            await connection.execute(
                "INSERT INTO accounts.muted (user_id, kinds) VALUES (%s, %s)"
                " ON CONFLICT (user_id) DO UPDATE SET kinds = excluded.kinds",
                [user_id, sorted(kinds)],
            )
