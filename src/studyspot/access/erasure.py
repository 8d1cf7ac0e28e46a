"""Erasing a person: everything that is known of them is deleted, and nothing of it is taken in again."""

from collections.abc import Collection

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from studyspot.access.answering import answering

_BATCH = 1000
# Whoever keeps something about this person holds it shared.
_LOCKED = "SELECT pg_advisory_xact_lock(hashtextextended(%(user_id)s, 0))"
_ERASED = (
    "INSERT INTO accounts.erased (user_id) VALUES (%(user_id)s) ON CONFLICT (user_id) DO NOTHING",
    """
    DELETE FROM accounts.invitations
    WHERE email = (SELECT email FROM accounts.accounts WHERE user_id = %(user_id)s)
    """,
    # With their sessions, and the tokens of those.
    "DELETE FROM accounts.accounts WHERE user_id = %(user_id)s",
    "DELETE FROM accounts.calendar_keys WHERE user_id = %(user_id)s",
    "DELETE FROM accounts.muted WHERE user_id = %(user_id)s",
    "DELETE FROM private.texts WHERE about = %(user_id)s",
)


class Erasure:
    """Who was erased, in the table `accounts.erased`: an opaque id is all that stays.

    Every method raises psycopg.OperationalError where the database does not answer in time.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def erase(self, user_id: str) -> None:
        """Delete what our tables know of the person; their display name, whoever publishes names deletes."""
        async with answering(self._pool) as connection, connection.transaction():
            await connection.execute(_LOCKED, {"user_id": user_id})
            for statement in _ERASED:
                await connection.execute(statement, {"user_id": user_id})

    async def erased_among(self, user_ids: Collection[str]) -> frozenset[str]:
        """Return those of these people who were erased."""
        async with answering(self._pool) as connection:
            return await _ids(
                connection, "SELECT user_id FROM accounts.erased WHERE user_id = ANY(%s)", list(user_ids)
            )

    async def names_left(self) -> frozenset[str]:
        """Return people whose display name is still to be deleted; of very many, some."""
        async with answering(self._pool) as connection:
            return await _ids(
                connection, "SELECT user_id FROM accounts.erased WHERE name_left LIMIT %s", _BATCH
            )

    async def name_deleted(self, user_id: str) -> None:
        """Take note that the display name is gone."""
        async with answering(self._pool) as connection:
            await connection.execute(
                "UPDATE accounts.erased SET name_left = false WHERE user_id = %s", (user_id,)
            )


async def _ids(connection: AsyncConnection, statement: str, parameter: object) -> frozenset[str]:
    cursor = await connection.execute(statement.encode(), (parameter,))
    return frozenset([user_id for (user_id,) in await cursor.fetchall()])
