"""A writer's session with the database: batches under the head lock, and the truth after a lost answer."""

from dataclasses import dataclass
from struct import Struct
from uuid import UUID

import psycopg
from psycopg.pq.abc import PGresult

from studyspot.event_store.answers import FORGET_EXPIRED
from studyspot.event_store.batch import Batch, Outcome
from studyspot.event_store.connections import TimeLimitedConnection, connect_writer
from studyspot.event_store.pipeline import Pipeline
from studyspot.event_store.types import Head, StoredAnswer

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BIGINT = Struct("!q")

_COMMIT = "COMMIT"
_LOCK = "SELECT position, epoch, halted FROM store.head FOR UPDATE"

# Beginning a session ends the one before: a batch that it has sent, and that still waits for the lock,
# finds another session number and appends nothing.
_REGISTER = """
INSERT INTO store.writers AS w (id, session, batch, after, epoch, won) VALUES (%(writer)b, 1, 0, 0, '', '{}')
ON CONFLICT (id) DO UPDATE SET session = w.session + 1, seen_at = now()
RETURNING session, batch, after, epoch, won
"""
_FORGET_DEAD_WRITERS = "DELETE FROM store.writers WHERE seen_at < now() - interval '1 day'"


@dataclass(frozen=True, slots=True)
class LastBatch:
    """The newest batch of a writer that appended anything, as the session that follows it finds it."""

    number: int
    after: int
    epoch: str
    winners: tuple[int, ...]


class WriterSession:
    """One connection of one writer, between a loss of connection and the next."""

    def __init__(self, connection: TimeLimitedConnection, writer: UUID, number: int, last: LastBatch) -> None:
        self._connection = connection
        self._pipeline = Pipeline(connection)
        self._writer = writer
        self._number = number
        self.last = last

    @classmethod
    def begin(cls, database_url: str, writer: UUID) -> "WriterSession":
        """Connect, take the head lock, and only then look up the writer's last batch.

        Looking first could miss a commit that is still running, and append twice.

        Raises:
            psycopg.OperationalError: the database does not answer, or another writer holds the lock.
        """
        connection = connect_writer(database_url)
        try:
            connection.execute(_FORGET_DEAD_WRITERS)
            registered = connection.cursor(binary=True)
            with connection.pipeline():
                connection.execute(_BEGIN)
                connection.execute(_LOCK)
                registered.execute(_REGISTER, {"writer": writer})
                connection.execute(_COMMIT)
            [(number, batch, after, epoch, winners)] = registered.fetchall()
        except BaseException:
            connection.close()
            raise
        return cls(connection, writer, number, LastBatch(batch, after, epoch, tuple(winners)))

    @property
    def lost(self) -> bool:
        """Whether the connection is gone, and with it, perhaps, the answer to a batch."""
        return self._connection.closed

    def append(self, batch: Batch, number: int) -> Outcome:
        """Decide and append `batch` in one transaction and one round trip.

        Raises:
            psycopg.Error: nothing was appended, unless the session is `lost` now; then nobody knows yet.
        """
        statement, arrays = batch.statement()
        parameters = {name: array.packed() for name, array in arrays.items()} | {
            "writer": self._writer.bytes,
            "session": _BIGINT.pack(self._number),
            "batch": _BIGINT.pack(number),
            "newest_after": _BIGINT.pack(batch.newest_after),
        }
        transaction = (_BEGIN, _LOCK, statement, _COMMIT)
        for each in transaction:
            self._pipeline.prepare(each)
        try:
            _, head, decided, _ = self._pipeline.run(*transaction, parameters=parameters)
        except psycopg.Error:
            if not self.lost:
                self._connection.rollback()
            raise
        try:
            return _outcome(head, decided)
        except Exception:
            # It is committed, but not understood: only the next session can still tell what happened.
            self.end()
            raise

    def forget_expired_answers(self, limit: int) -> None:
        """Delete at most `limit` answers that are past their time."""
        self._connection.execute(FORGET_EXPIRED, {"limit": limit})

    def end(self) -> None:
        """Close the connection."""
        self._connection.close()


def _outcome(head: PGresult, decided: PGresult) -> Outcome:
    position, epoch, halted = (head.get_value(0, column) for column in range(3))
    assert position
    assert epoch
    won: dict[int, int] = {}
    lost: set[int] = set()
    answered: dict[int, tuple[bytes, StoredAnswer]] = {}
    for row in range(decided.ntuples):
        command = decided.get_value(row, 0)
        if command is None:
            continue  # the row that told the others of the new head
        index = int.from_bytes(command)
        last, fingerprint = decided.get_value(row, 1), decided.get_value(row, 2)
        if last is None:
            lost.add(index)
        elif fingerprint is None:
            won[index] = int.from_bytes(last)
        else:
            answered[index] = (
                fingerprint,
                StoredAnswer(int.from_bytes(last), decided.get_value(row, 3) or b""),
            )
    reason = None if halted is None else halted.decode()
    return Outcome(Head(int.from_bytes(position), epoch.decode(), reason), won, frozenset(lost), answered)
