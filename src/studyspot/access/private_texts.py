"""What people write about people: kept where it can be deleted, while the log holds only its id."""

from collections.abc import Collection

from psycopg_pool import AsyncConnectionPool

from studyspot.access.answering import answering

_LOCKED_FOR = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))"
_KEPT = """
    INSERT INTO private.texts (id, text, about) SELECT %(id)s, %(text)s, %(about)s::text
    WHERE NOT EXISTS (SELECT FROM accounts.erased WHERE user_id = %(about)s::text)
"""


class PrivateTexts:
    """Texts by id, in the table `private.texts`.

    Every method raises psycopg.OperationalError (of which psycopg_pool.PoolTimeout is one) where the database
    does not answer within `ANSWER_WITHIN`.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def keep(self, text_id: str, text: str, about: str | None) -> None:
        """Store a text until the person `about` is erased; one about who was erased already is not stored.

        `about` is none for a text that concerns nobody.
        """
        async with answering(self._pool) as connection, connection.transaction():
            if about is not None:
                # Else it might be stored while that person is being erased, and stay.
                await connection.execute(_LOCKED_FOR, (about,))
            await connection.execute(_KEPT, {"id": text_id, "text": text, "about": about})

    async def read(self, text_id: str) -> str | None:
        """Return a text, or nothing where it was deleted."""
        return (await self.read_all((text_id,))).get(text_id)

    async def read_all(self, text_ids: Collection[str]) -> dict[str, str]:
        """Return these texts by their ids, without those that were deleted."""
        if not text_ids:
            return {}
        async with answering(self._pool) as connection:
            cursor = await connection.execute(
                "SELECT id, text FROM private.texts WHERE id = ANY(%s)", (list(text_ids),)
            )
            return dict(await cursor.fetchall())

    async def forget(self, text_id: str) -> None:
        """Delete a text."""
        async with answering(self._pool) as connection:
            await connection.execute("DELETE FROM private.texts WHERE id = %s", (text_id,))
