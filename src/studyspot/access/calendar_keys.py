"""Keys of calendar feeds: whoever has one may read its person's bookings, and nothing else.

Calendar programs send no token, so the key is in the address that they fetch; only its hash is kept.
"""

import secrets
from datetime import datetime
from hashlib import sha256

from psycopg_pool import AsyncConnectionPool

from studyspot.access.answering import answering

_BYTES = 32
_LOCKED_FOR = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))"
_KEPT = """
    INSERT INTO accounts.calendar_keys (user_id, key_hash, created_at) SELECT %(user_id)s, %(hash)s, %(at)s
    WHERE NOT EXISTS (SELECT FROM accounts.erased WHERE user_id = %(user_id)s::text)
    ON CONFLICT (user_id) DO UPDATE SET key_hash = excluded.key_hash, created_at = excluded.created_at
"""


def new_key() -> str:
    """Return a random key of 256 bits, as an address can hold it."""
    return secrets.token_urlsafe(_BYTES)


def hash_of(key: str) -> bytes:
    """Return what is kept of a key; it is random, so that nothing slower is needed."""
    return sha256(key.encode()).digest()


class CalendarKeys:
    """One key a person, in the table `accounts.calendar_keys`.

    Every method raises psycopg.OperationalError where the database does not answer in time.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def replace(self, user_id: str, key: str, at: datetime) -> None:
        """Let this be the person's key from now on, and no other; who was erased has none."""
        async with answering(self._pool) as connection, connection.transaction():
            # Else it might be kept while that person is being erased, and stay.
            await connection.execute(_LOCKED_FOR, (user_id,))
            await connection.execute(_KEPT, {"user_id": user_id, "hash": hash_of(key), "at": at})

    async def revoke(self, user_id: str) -> None:
        """Let no key of the person be worth anything."""
        async with answering(self._pool) as connection:
            await connection.execute("DELETE FROM accounts.calendar_keys WHERE user_id = %s", (user_id,))
