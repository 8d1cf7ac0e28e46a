"""One build's rows and position, moved together: both in one transaction, or neither."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import psycopg
import structlog
from psycopg import AsyncConnection

from studyspot.projections.builds import Build, make_current, prepare
from studyspot.projections.connecting import connect
from studyspot.projections.convoy import Convoy
from studyspot.projections.errors import BuildSuperseded, PoisonEvent, TablesLost
from studyspot.projections.parking import Happened, Parked, Sorted, Unreadable, entry, said, sort
from studyspot.projections.projection import Projection
from studyspot.projections.steps import Step, take
from studyspot.projections.writing import RowsRefused, written

_APPLICATION = "studyspot projection"

log = structlog.get_logger()

# What is set aside is read again only where it is not what it was.
_STATE = """
SELECT position, epoch, parked_revision,
    CASE WHEN parked_revision <> %(revision)s THEN ARRAY(
        SELECT DISTINCT key FROM read.parked AS p
        WHERE (p.name, p.version, p.number) = (b.name, b.version, b.number)
    ) END,
    CASE WHEN parked_revision <> %(revision)s THEN ARRAY(
        SELECT d.position FROM read.dropped AS d WHERE d.name = b.name
    ) END
FROM read.builds AS b
WHERE (name, version, number) = (%(name)s, %(version)s, %(number)s) AND superseded_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that the projection takes, oldest first, and the position up to which there are no others.

    `time` is that of the last event up to there, taken or not, where it is known.
    """

    events: Sequence[Happened]
    until: int
    time: datetime | None = None

    @property
    def times(self) -> Iterator[datetime]:
        """When each of its events happened, as far as that can be read."""
        return (happened.metadata.time for happened in self.events if not isinstance(happened, Unreadable))


class Applier:
    """Writes one build over a connection of its own; `position` and `epoch` are what its row says.

    Any error of the connection leaves it unusable: close it, open another, and go on from its position.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        projection: Projection,
        build: Build,
        position: int,
        epoch: str,
        convoy: Convoy | None = None,
    ) -> None:
        self.position = position
        self.epoch = epoch
        self.build = build
        self._connection = connection
        self._projection = projection
        self._convoy = convoy
        self._parked_revision = -1
        self._parked_keys: frozenset[str] = frozenset()
        self._dropped: frozenset[int] = frozenset()
        self._served = False

    @classmethod
    async def open(cls, database_url: str, projection: Projection, epoch: str, convoy: Convoy) -> Self:
        """Connect, make the tables that are missing, and read how far they are.

        `epoch` is that of the log, for a build that is new; with `convoy` it goes on where it can.

        Raises:
            NewerVersionServed: a later release's build is read.
            psycopg.OperationalError: the database is away.
        """
        connection = await connect(database_url, _APPLICATION)
        try:
            build = await prepare(connection, projection, epoch)
            applier = cls(connection, projection, build, 0, epoch, convoy)
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
        connection = await connect(database_url, _APPLICATION)
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
        """Read position, epoch and what is set aside, as others of this build may have moved them.

        Raises:
            BuildSuperseded: nobody reads this build any more.
        """
        identity = {"name": self.build.name, "version": self.build.version, "number": self.build.number}
        found = await self._connection.execute(_STATE, {**identity, "revision": self._parked_revision})
        row = await found.fetchone()
        if row is None:
            raise BuildSuperseded(f"{self.build.name} {self.build.version}.{self.build.number}")
        self.position, self.epoch, self._parked_revision, parked_keys, dropped = row
        if parked_keys is not None:
            self._parked_keys, self._dropped = frozenset(parked_keys), frozenset(dropped)

    async def count_parked(self) -> int:
        """Return how many events of the build are parked now."""
        if not self._parked_keys:
            return 0
        found = await self._connection.execute(
            "SELECT count(*) FROM read.parked WHERE (name, version, number) = (%s, %s, %s)", self._identity
        )
        row = await found.fetchone()
        assert row is not None
        return int(row[0])

    async def apply(self, batch: Batch) -> bool:
        """Write what the batch changes, and park what cannot be applied; say false where a rival was first.

        Afterwards `position` is the one in the table, either way.

        Raises:
            BuildSuperseded: nobody reads this build any more.
            TablesLost: the tables are not those of the description.
            PoisonEvent: an event cannot even be parked.
            psycopg.OperationalError: the database is away; whether the batch is applied, the table says.
        """
        try:
            return await self._apply(batch)
        except psycopg.ProgrammingError as error:
            raise TablesLost(self._projection.name, said(error)) from error

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

    async def _apply(self, batch: Batch) -> bool:
        begun = self.position
        while self.position == begun:
            sorted_events = self._sort(batch.events)
            try:
                if await self._write(sorted_events, batch.until, batch.time):
                    return True
            except RowsRefused:
                await self._apply_singly(batch)
                return self.position == batch.until
        return False

    async def _apply_singly(self, batch: Batch) -> None:
        """Apply event by event: only one that is refused alone is the one at fault."""
        for happened in batch.events:
            time = None if isinstance(happened, Unreadable) else happened.metadata.time
            while self.position < happened.position:
                try:
                    await self._write(self._sort((happened,)), happened.position, time)
                except RowsRefused as refused:
                    await self._park(happened, time, str(refused))
        while self.position < batch.until:
            await self._write(Sorted(()), batch.until, batch.time)

    async def _park(self, happened: Happened, time: datetime | None, reason: str) -> None:
        parked = entry(self._projection, happened, reason)
        try:
            await self._write(Sorted((), (parked,)), happened.position, time)
        except RowsRefused as refused:
            raise PoisonEvent(self.build.name, happened.position, str(refused)) from refused

    def _sort(self, events: Sequence[Happened]) -> Sorted:
        return sort(self._projection, events, self._parked_keys, self._dropped)

    async def _write(self, sorted_events: Sorted, until: int, time: datetime | None) -> bool:
        """Write all of it, or find out who was first.

        Raises:
            RowsRefused: a row can never be written; the position is where it was.
        """
        begun = [parked for parked in sorted_events.parked if parked.reason is not None]
        step = Step(
            self.build,
            self.position,
            self._parked_revision,
            until,
            time,
            bool(begun),
            written(self.build, sorted_events),
        )
        taken = await self._convoy.take(step) if self._convoy is not None else None
        if taken is None:
            taken = self.build.name in await take(self._connection, [step])
        if not taken:
            await self.reread()
            return False
        self.position = until
        if begun:
            self._parked_revision += 1
            self._parked_keys |= {parked.key for parked in begun}
            self._tell(begun)
        return True

    def _tell(self, begun: Sequence[Parked]) -> None:
        for parked in begun:
            log.warning(
                "key parked",
                projection=self.build.name,
                key=parked.key,
                position=parked.position,
                reason=parked.reason,
                mend=f"`studyspot projections parked {self.build.name} {parked.position}`",
            )
