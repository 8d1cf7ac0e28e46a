"""The addresses to which invitations were sent: personal data, while the log holds only the invitation."""

from datetime import timedelta

from psycopg_pool import AsyncConnectionPool

from studyspot.access.answering import answering

KEPT_FOR = timedelta(days=30)
"""Longer than an invitation may be accepted: whoever comes late is told so."""


class Invitations:
    """Addresses by invitation, in the table `accounts.invitations`.

    Every method raises psycopg.OperationalError where the database does not answer in time.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def keep(self, invitation_id: str, email: str) -> None:
        """Store where an invitation was sent; whether anybody has that address is not looked up.

        Addresses of invitations long over, of which most people never had an account, go then.
        """
        async with answering(self._pool) as connection:
            await connection.execute(
                "DELETE FROM accounts.invitations WHERE invited_at < now() - %s", (KEPT_FOR,)
            )
            await connection.execute(
                "INSERT INTO accounts.invitations (invitation_id, email) VALUES (%s, %s)",
                (invitation_id, email.lower()),
            )

    async def forget(self, invitation_id: str) -> None:
        """Delete the address of an invitation."""
        async with answering(self._pool) as connection:
            await connection.execute(
                "DELETE FROM accounts.invitations WHERE invitation_id = %s", (invitation_id,)
            )

    async def was_sent_to(self, invitation_id: str, user_id: str) -> bool:
        """Say whether the invitation went to the address of this person's account."""
        async with answering(self._pool) as connection:
            cursor = await connection.execute(
                """
                SELECT FROM accounts.invitations JOIN accounts.accounts USING (email)
                WHERE invitation_id = %s AND user_id = %s
                """,
                (invitation_id, user_id),
            )
            return await cursor.fetchone() is not None
