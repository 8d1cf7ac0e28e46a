"""Sessions: a person stays signed in by a refresh token that is replaced at each use.

A token that comes again was stolen, or the answer to its first use was lost, or two tabs used it at once. So
tokens have generations. Using the current one begins the next; within `GRACE` of that, the one before gets a
sibling of the new one, and any other use of an old token ends the whole session. The next to use a sibling
makes the others old: a thief and the person cannot both stay, wherever they do not refresh within seconds of
one another each time.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from psycopg import AsyncConnection
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from studyspot.access.answering import answering
from studyspot.access.server_secrets import ServerSecrets

LASTS = timedelta(days=30)
"""From signing in: refreshing does not prolong a session."""
GRACE = timedelta(seconds=10)
MOST_SIBLINGS = 5
MOST_SESSIONS = 20
"""Of one person; the oldest ends where another begins."""

_TOKEN_BYTES = 32
_SWEPT = 100
_REMEMBERED_GENERATIONS = 3000
"""More than a session has that refreshes each quarter of an hour; a still older token is refused, no more."""

log = structlog.get_logger()


class SessionOver(Exception):
    """The token is of no session that goes on."""


class TokenReused(SessionOver):
    """The token had been used: its session is over from now on."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """A refresh token that was given out, and what it belongs to."""

    user_id: str
    session_id: str
    token: str
    expires_at: datetime


class Sessions:
    """Sessions in `accounts.sessions`; of a token only its SHA-256 is kept.

    Every method raises psycopg.OperationalError where the database does not answer in time.
    """

    def __init__(self, pool: AsyncConnectionPool, server_secrets: ServerSecrets) -> None:
        self._pool = pool
        self._secret = server_secrets.secret_for("places")

    async def begin(self, session_id: str, user_id: str, address: str, now: datetime) -> Renewal:
        """Begin a session of somebody who has signed in from a network address.

        Raises:
            SessionOver: their account has just been erased.
        """
        place = self._place(user_id, address)
        try:
            async with answering(self._pool) as connection, connection.transaction():
                await _sweep(connection, user_id, now)
                await connection.execute(
                    "INSERT INTO accounts.sessions"
                    " (session_id, user_id, created_at, expires_at, advanced_at, place)"
                    " VALUES (%s, %s, %s, %s, %s, %s)",
                    (session_id, user_id, now, now + LASTS, now, place),
                )
                token = await _give_token(connection, session_id, 0, now)
        except ForeignKeyViolation:
            raise SessionOver from None
        return Renewal(user_id, session_id, token, now + LASTS)

    async def whose(self, token: str) -> str:
        """Return whose session a refresh token belongs to, used or not.

        Raises:
            SessionOver: it is none of ours, or no longer known.
        """
        async with answering(self._pool) as connection:
            cursor = await connection.execute(
                "SELECT user_id FROM accounts.refresh_tokens JOIN accounts.sessions USING (session_id)"
                " WHERE token_hash = %s",
                (_hash(token),),
            )
            row = await cursor.fetchone()
        if row is None:
            raise SessionOver
        return str(row[0])

    async def renew(self, token: str, now: datetime) -> Renewal:
        """Use a refresh token: it is replaced by another.

        Raises:
            TokenReused: it had been used; the session was ended.
            SessionOver: its session was ended, or it is none of ours.
        """
        async with answering(self._pool) as connection, connection.transaction():
            session = await _session_of(connection, token)
            if session is None or session["revoked_at"] is not None or session["expires_at"] <= now:
                raise SessionOver
            generation: int = session["generation"]
            reused = session["token_generation"] != generation
            if not reused:
                generation += 1
                await connection.execute(
                    "UPDATE accounts.sessions SET generation = %s, advanced_at = %s WHERE session_id = %s",
                    (generation, now, session["session_id"]),
                )
                await connection.execute(
                    "DELETE FROM accounts.refresh_tokens WHERE session_id = %s AND generation < %s",
                    (session["session_id"], generation - _REMEMBERED_GENERATIONS),
                )
            elif await _forgiven(connection, session, now):
                reused = False
            else:
                await _end(connection, session["session_id"], now)
            if not reused:
                renewed = await _give_token(connection, session["session_id"], generation, now)
        # Beyond the transaction, which an error would undo.
        if reused:
            log.warning("a refresh token was used again; its session is over", session=session["session_id"])
            raise TokenReused
        return Renewal(session["user_id"], session["session_id"], renewed, session["expires_at"])

    async def end(self, token: str, now: datetime) -> None:
        """End the session of a refresh token, used or not; nothing where it has none."""
        async with answering(self._pool) as connection, connection.transaction():
            session = await _session_of(connection, token)
            if session is not None:
                await _end(connection, session["session_id"], now)

    async def end_all(self, user_id: str, now: datetime) -> None:
        """End every session of a person."""
        async with answering(self._pool) as connection:
            await connection.execute(
                "UPDATE accounts.sessions SET revoked_at = %s WHERE user_id = %s AND revoked_at IS NULL",
                (now, user_id),
            )

    async def has_come_from(self, user_id: str, address: str) -> bool:
        """Say whether the person has signed in from this network address in the last `LASTS`."""
        async with answering(self._pool) as connection:
            cursor = await connection.execute(
                "SELECT FROM accounts.sessions WHERE user_id = %s AND place = %s LIMIT 1",
                (user_id, self._place(user_id, address)),
            )
            return await cursor.fetchone() is not None

    def _place(self, user_id: str, address: str) -> bytes:
        return hmac.digest(self._secret, f"{user_id}\n{address}".encode(), "sha256")[:16]


async def _session_of(connection: AsyncConnection, token: str) -> dict[str, Any] | None:
    """Return the session of a token, kept from others until the transaction ends."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "SELECT s.*, t.generation AS token_generation FROM accounts.refresh_tokens AS t"
            " JOIN accounts.sessions AS s USING (session_id) WHERE t.token_hash = %s FOR UPDATE OF s",
            (_hash(token),),
        )
        return await cursor.fetchone()


async def _forgiven(connection: AsyncConnection, session: dict[str, Any], now: datetime) -> bool:
    if session["token_generation"] != session["generation"] - 1 or now - session["advanced_at"] > GRACE:
        return False
    cursor = await connection.execute(
        "SELECT count(*) FROM accounts.refresh_tokens WHERE session_id = %s AND generation = %s",
        (session["session_id"], session["generation"]),
    )
    row = await cursor.fetchone()
    return row is not None and row[0] < MOST_SIBLINGS


async def _give_token(connection: AsyncConnection, session_id: str, generation: int, now: datetime) -> str:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    await connection.execute(
        "INSERT INTO accounts.refresh_tokens (token_hash, session_id, generation, issued_at)"
        " VALUES (%s, %s, %s, %s)",
        (_hash(token), session_id, generation, now),
    )
    return token


async def _end(connection: AsyncConnection, session_id: str, now: datetime) -> None:
    await connection.execute(
        "UPDATE accounts.sessions SET revoked_at = %s WHERE session_id = %s AND revoked_at IS NULL",
        (now, session_id),
    )


async def _sweep(connection: AsyncConnection, user_id: str, now: datetime) -> None:
    """Delete sessions whose time is over, of anybody, and end the oldest of a person who has very many."""
    await connection.execute(
        "DELETE FROM accounts.sessions WHERE session_id IN (SELECT session_id FROM accounts.sessions"
        " WHERE expires_at <= %s ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)",
        (now, _SWEPT),
    )
    # Ended ones too: who signs in and out all day long leaves no more of them than this.
    await connection.execute(
        "DELETE FROM accounts.sessions WHERE session_id IN (SELECT session_id FROM accounts.sessions"
        " WHERE user_id = %s ORDER BY created_at DESC, session_id DESC OFFSET %s FOR UPDATE)",
        (user_id, MOST_SESSIONS - 1),
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
