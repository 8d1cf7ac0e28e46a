"""What people write about people: kept where it can be deleted, while the log holds only its id."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

ANSWER_WITHIN = timedelta(seconds=4)
_CLOSE_WITHIN = ANSWER_WITHIN + timedelta(milliseconds=500)


class PrivateTexts:
    """Texts by id, in the table `private.texts`.

    Every method raises psycopg.OperationalError (of which psycopg_pool.PoolTimeout is one) where the database
    does not answer within `ANSWER_WITHIN`.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def keep(self, text_id: str, text: str) -> None:
        """Store a text."""
        async with self._connection() as connection:
            await connection.execute(
                "INSERT INTO private.texts (id, text) VALUES (%s, %s)",
                (text_id, text),
            )

    async def read(self, text_id: str) -> str | None:
        """Return a text, or nothing where it was deleted."""
        async with self._connection() as connection:
            cursor = await connection.execute("SELECT text FROM private.texts WHERE id = %s", (text_id,))
            row = await cursor.fetchone()
        return row[0] if row else None

    async def read_all(self, text_ids: Collection[str]) -> dict[str, str]:
        """Return these texts by their ids, without those that were deleted."""
        if not text_ids:
            return {}
        async with self._connection() as connection:
            cursor = await connection.execute(
                "SELECT id, text FROM private.texts WHERE id = ANY(%s)", (list(text_ids),)
            )
            return dict(await cursor.fetchall())

    async def forget(self, text_id: str) -> None:
        """Delete a text."""
        async with self._connection() as connection:
            await connection.execute("DELETE FROM private.texts WHERE id = %s", (text_id,))

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
