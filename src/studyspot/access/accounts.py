"""What is known of people who have an account here: address, name, password hash. None is in the log."""

from dataclasses import dataclass

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from studyspot.access.answering import answering
from studyspot.domain.people import Role

_COLUMNS = "user_id, email, name, password_hash, registered_role"


class EmailTaken(Exception):
    """Somebody has an account with this address."""


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """A row of `accounts.accounts`.

    `registered_role` is the role that was asked for when it was made; the log says which it is now.
    """

    user_id: str
    email: str
    name: str
    password_hash: str
    registered_role: Role


class Accounts:
    """Accounts by id and by address.

    Every method raises psycopg.OperationalError where the database does not answer in time.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def add(self, account: StoredAccount) -> None:
        """Keep a new account.

        Raises:
            EmailTaken: there is one with this address.
        """
        try:
            async with answering(self._pool) as connection:
                await connection.execute(
                    f"INSERT INTO accounts.accounts ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s)",  # noqa: S608
                    (
                        account.user_id,
                        account.email,
                        account.name,
                        account.password_hash,
                        account.registered_role,
                    ),
                )
        except psycopg.errors.UniqueViolation:
            raise EmailTaken from None

    async def by_email(self, email: str) -> StoredAccount | None:
        """Return the account of an address, in whatever case it is written."""
        async with answering(self._pool) as connection:
            return await _one(connection, "email = %s", email.lower())

    async def by_id(self, user_id: str) -> StoredAccount | None:
        """Return the account of a person; who comes with a token from elsewhere has none."""
        async with answering(self._pool) as connection:
            return await _one(connection, "user_id = %s", user_id)

    async def keep_hash(self, user_id: str, password_hash: str) -> None:
        """Replace the hash of the password."""
        async with answering(self._pool) as connection:
            await connection.execute(
                "UPDATE accounts.accounts SET password_hash = %s WHERE user_id = %s", (password_hash, user_id)
            )

    async def all(self) -> list[StoredAccount]:
        """Return every account, oldest first."""
        async with (
            answering(self._pool) as connection,
            connection.cursor(row_factory=class_row(StoredAccount)) as cursor,
        ):
            await cursor.execute(f"SELECT {_COLUMNS} FROM accounts.accounts ORDER BY created_at, user_id")  # noqa: S608
            return await cursor.fetchall()


async def _one(connection: AsyncConnection, condition: str, value: str) -> StoredAccount | None:
    async with connection.cursor(row_factory=class_row(StoredAccount)) as cursor:
        await cursor.execute(f"SELECT {_COLUMNS} FROM accounts.accounts WHERE {condition}".encode(), (value,))  # noqa: S608
        return await cursor.fetchone()
