"""What people write about people: kept where it can be deleted, while the log holds only its id."""

from psycopg_pool import AsyncConnectionPool


class PrivateTexts:
    """Texts by id, in the table `private.texts`."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def keep(self, text_id: str, text: str) -> None:
        """Store a text.

        Raises:
            psycopg.OperationalError, psycopg_pool.PoolTimeout: the database is away.
        """
        async with self._pool.connection() as connection:
            await connection.execute(
                "INSERT INTO private.texts (id, text) VALUES (%s, %s)",
                (text_id, text),
            )

    async def read(self, text_id: str) -> str | None:
        """Return a text, or nothing where it was deleted."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT text FROM private.texts WHERE id = %s", (text_id,))
            row = await cursor.fetchone()
        return row[0] if row else None

    async def forget(self, text_id: str) -> None:
        """Delete a text."""
        async with self._pool.connection() as connection:
            await connection.execute("DELETE FROM private.texts WHERE id = %s", (text_id,))
