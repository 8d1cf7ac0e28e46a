"""One build's rows and position, moved together: both in one transaction, or neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import psycopg
from psycopg import AsyncConnection, sql

from studyspot.catalogue.codec import Recorded
from studyspot.projections.builds import CHANNEL, Build, make_current, prepare
from studyspot.projections.errors import BuildSuperseded, PoisonEvent, TablesLost
from studyspot.projections.projection import Projection, RowChange
from studyspot.projections.row_changes import Effects, fold, parts

_SESSION = """
SET application_name = 'studyspot projection';
-- A stopped worker must not hold the position's row against its rival.
SET idle_in_transaction_session_timeout = '5s';
SET statement_timeout = '30s';
SET lock_timeout = '10s';
-- Rows and position are lost together, if at all, and come again from the log, which is durable: so no batch
-- waits for the disk, or makes the log's own commits wait for it.
SET synchronous_commit = off;
"""


# Rows change only where the claim is won: position and rows move together, or neither.
_CLAIM = sql.SQL("""
WITH claimed AS (
    UPDATE read.builds
    SET position = %s, event_time = coalesce(%s, event_time), applied_at = clock_timestamp()
    WHERE (name, version, number) = (%s, %s, %s) AND position = %s AND superseded_at IS NULL RETURNING 1
) {parts} SELECT pg_notify(%s, %s) FROM claimed
""")


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that the projection takes, oldest first, and the position up to which there are no others.

    `time` is that of the last event up to there, taken or not, where it is known.
    """

    events: Sequence[Recorded]
    until: int
    time: datetime | None = None


class Applier:
    """Writes one build over a connection of its own; `position` and `epoch` are what its row says.

    Any error of the connection leaves it unusable: close it, open another, and go on from its position.
    """

    def __init__(
        self, connection: AsyncConnection, projection: Projection, build: Build, position: int, epoch: str
    ) -> None:
        self.position = position
        self.epoch = epoch
        self.build = build
        self._connection = connection
        self._projection = projection
        self._served = False

    @classmethod
    async def open(cls, database_url: str, projection: Projection, epoch: str) -> Self:
        """Connect, make the tables that are missing, and read how far they are.

        `epoch` is that of the log, for a build that is new.

        Raises:
            NewerVersionServed: a later release's build is read.
            psycopg.OperationalError: the database is away.
        """
        connection = await _connect(database_url)
        try:
            build = await prepare(connection, projection, epoch)
            applier = cls(connection, projection, build, 0, epoch)
            await applier.reread()
        except BaseException:
            await connection.close()
            raise
        return applier

    @classmethod
    async def open_build(cls, database_url: str, projection: Projection, build: Build) -> Self:
        """Connect to a build that is there, whether or not it is read.

        Raises:
            BuildSuperseded: it is not there, or another has taken its place.
            psycopg.OperationalError: the database is away.
        """
        connection = await _connect(database_url)
        try:
            applier = cls(connection, projection, build, 0, "")
            await applier.reread()
        except BaseException:
            await connection.close()
            raise
        return applier

    async def close(self) -> None:
        await self._connection.close()

    async def reread(self) -> None:
        """Read position and epoch, as another worker of this build may have moved them.

        Raises:
            BuildSuperseded: nobody reads this build any more.
        """
        found = await self._connection.execute(
            "SELECT position, epoch FROM read.builds"
            " WHERE (name, version, number) = (%s, %s, %s) AND superseded_at IS NULL",
            self._identity,
        )
        row = await found.fetchone()
        if row is None:
            raise BuildSuperseded(f"{self.build.name} {self.build.version}.{self.build.number}")
        self.position, self.epoch = row

    async def apply(self, batch: Batch) -> bool:
        """Write what the batch changes; return false where a rival moved the position first.

        Afterwards `position` is the one in the table, either way.

        Raises:
            PoisonEvent: an event cannot be applied, whatever the state of the database; those before it are.
            BuildSuperseded: nobody reads this build any more.
            TablesLost: the tables are not those of the description.
            psycopg.OperationalError: the database is away; whether the batch is applied, the table says.
        """
        try:
            effects = self._effects(batch.events)
        except PoisonEvent as poison:
            if poison.position > self.position + 1:
                sound = [recorded for recorded in batch.events if recorded.position < poison.position]
                await self._write(self._effects(sound), poison.position - 1, None)
            raise
        try:
            return await self._write(effects, batch.until, batch.time)
        except psycopg.ProgrammingError as error:
            raise TablesLost(self._projection.name, str(error).strip()) from error
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            await self.reread()
            await self._write_singly(batch.events)
            # Each alone was accepted: the fault lay in nothing that stays.
            raise psycopg.OperationalError(f"a batch was rejected, its events were not: {error}") from error

    async def adopt(self, epoch: str) -> None:
        """Record that positions now belong to `epoch`: the same events, under another name."""
        await self._connection.execute(
            "UPDATE read.builds SET epoch = %s"
            " WHERE (name, version, number) = (%s, %s, %s) AND position = %s",
            [epoch, *self._identity, self.position],
        )
        await self.reread()

    async def serve(self) -> bool:
        """Let readers read this build; return whether they read another before."""
        if self._served:
            return False
        moved = await make_current(self._connection, self.build)
        self._served = True
        return moved

    @property
    def _identity(self) -> tuple[str, int, int]:
        return (self.build.name, self.build.version, self.build.number)

    def _effects(self, events: Sequence[Recorded]) -> Effects:
        changes: list[RowChange] = []
        for recorded in events:
            try:
                changes += self._projection.changes(recorded)
            except Exception as error:
                raise PoisonEvent(self._projection.name, recorded.position, repr(error)) from error
        return fold(changes)

    async def _write_singly(self, events: Sequence[Recorded]) -> None:
        for recorded in events:
            if recorded.position <= self.position:
                continue
            try:
                await self._write(self._effects((recorded,)), recorded.position, recorded.metadata.time)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                raise PoisonEvent(self._projection.name, recorded.position, str(error).strip()) from error

    async def _write(self, effects: Effects, until: int, time: datetime | None) -> bool:
        # One statement, one round trip: a rival that waits for the position's row does not wait for ours.
        written = list(parts(effects, self.build))
        statement = _CLAIM.format(
            parts=sql.SQL("").join(
                sql.SQL(", {} AS ({})").format(sql.Identifier(f"part_{number}"), part.text)
                for number, part in enumerate(written)
            )
        )
        identity = [self.build.name, self.build.version, self.build.number]
        notice = " ".join(map(str, (*identity, until)))
        won = await self._connection.execute(
            statement,
            [until, time, *identity, self.position, *(part.rows for part in written), CHANNEL, notice],
        )
        if won.rowcount == 1:
            self.position = until
            return True
        await self.reread()
        return False


async def _connect(database_url: str) -> AsyncConnection:
    connection = await AsyncConnection.connect(
        database_url, autocommit=True, connect_timeout=5, keepalives_idle=5, tcp_user_timeout=5000
    )
    try:
        await connection.execute(_SESSION)
    except BaseException:
        await connection.close()
        raise
    return connection
