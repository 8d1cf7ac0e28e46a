"""Read models that are read and kept up while their rebuilds are killed, and what has to hold afterwards."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from benchmarks.history import write_history
from psycopg import AsyncConnection

from studyspot.event_store.errors import StoreUnavailable
from studyspot.projections.builds import Build, drop_superseded
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild.progress import Progress
from studyspot.projections.rebuild.run import Rebuilt
from studyspot.projections.verification.run import verify
from tests.engines import PostgresServer
from tests.projections.happenings import HOUR, NINE, booked, opened, seat
from tests.projections.rebuild.clients import Question, ReadingClient, all_are_answered, reading
from tests.projections.rebuild.command import Command, command
from tests.projections.rebuild.steps import current, rebuild
from tests.projections.rebuild.watching import all_are_at
from tests.projections.serving import bearer, reads_of
from tests.projections.system import Log, a_log

EVENTS = 10_000
CLIENTS = 3
_LIBRARY, _STUDENT = "library-of-today", "student-of-today"
_EVENT_EVERY_SECONDS = 0.05
_QUESTIONS = (
    Question(
        "seats",
        f"/api/libraries/{_LIBRARY}/seats",
        {"start": NINE.isoformat(), "end": (NINE + 24 * HOUR).isoformat()},
    ),
    Question("bookings", "/api/bookings", headers=bearer(_STUDENT)),
    Question("libraries", f"/api/libraries/{_LIBRARY}"),
)


@dataclass(frozen=True)
class Ordeal:
    """A server that may be killed, a log in it that grows, clients that read, and a process of workers."""

    server: PostgresServer
    log: Log
    clients: Sequence[ReadingClient]

    @contextmanager
    def rebuild(self, projection: Projection, *, cold: bool = False) -> Iterator[Command]:
        """The command of a user; a `cold` one comes so late that there is time to hold it at a stage."""
        asked = ("projections", "rebuild", projection.name)
        with command(self.log.database_url, *asked, cold=cold) as running:
            yield running

    @contextmanager
    def workers(self) -> Iterator[Command]:
        """What keeps all read models up."""
        with command(self.log.database_url, "projections", "run") as running:
            yield running

    async def kill_server(self) -> None:
        """Kill PostgreSQL, and start it again."""
        await asyncio.to_thread(self.server.kill)
        await asyncio.to_thread(self.server.restart)

    async def is_read(self) -> None:
        """Wait until every client is answered."""
        await all_are_answered(self.clients)

    async def is_still_read_from(self, build: Build) -> None:
        """Wait until every client is answered, and see that it is the old build that answers."""
        await self.is_read()
        [projection] = [projection for projection in PROJECTIONS if projection.name == build.name]
        assert self.current(projection) == build

    async def finish(self, projection: Projection) -> Rebuilt:
        """Rebuild to the end, and see that what was done before is not done again."""
        done = dict(self.done_parts(projection))
        told: list[Progress] = []
        rebuilt = await rebuild(self.log, projection, told)
        read = [progress.events for progress in told if progress.stage == "reading the log"]
        assert all(events >= sum(done.values()) for events in read)
        assert not read or read[-1] <= told[-1].of_events, "events were read again"
        return rebuilt

    def done_parts(self, projection: Projection) -> dict[int, int]:
        """The events of each part that is done, by its number."""
        return dict(
            self.log.rows("SELECT part, events FROM read.rebuilt_parts WHERE name = %s", projection.name)
        )

    def current(self, projection: Projection) -> Build:
        return current(self.log, projection)

    async def is_sound(self, projection: Projection) -> None:
        """Wait until the workers keep the new build up, and see that it is what the log says, alone."""
        await all_are_at(self.log.database_url, self.log.store.head().position)
        verified = await verify(
            projection,
            database_url=self.log.database_url,
            workers=1,
            sample=None,
            tell=lambda progress: None,
        )
        assert verified.difference is None
        taken = "SELECT 1 FROM store.events WHERE type = ANY(%s) LIMIT 1"
        # Nobody in this log has an account or waits.
        assert verified.rows > 0 or not self.log.rows(taken, list(projection.event_types()))
        await self._is_alone(projection)

    async def _is_alone(self, projection: Projection) -> None:
        """See that no table is left but those of the build that is read, once the old ones are dropped."""
        url = self.log.database_url
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            await drop_superseded(connection, projection, grace=timedelta())
        builds = self.log.rows("SELECT tables FROM read.builds WHERE name = %s", projection.name)
        names = [table.name for table in projection.tables]
        left = self.log.rows(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'read'"
            " AND regexp_replace(tablename, '_[0-9]+_[0-9]+$', '') = ANY(%s)",
            names,
        )
        assert sorted(table for (table,) in left) == sorted(builds[0][0])
        assert len(builds) == 1


@contextmanager
def a_history(server: PostgresServer) -> Iterator[str]:
    """The URL of a database with some weeks of history."""
    with server.migrated_database() as url:
        write_history(url, EVENTS)
        yield url


@asynccontextmanager
async def an_ordeal(
    server: PostgresServer, database_url: str, chance: random.Random, *, patient: bool
) -> AsyncIterator[Ordeal]:
    """Read models that are read, of a log to which events keep coming.

    `patient` clients live through a crash of the database; others take no refusal.
    """
    async with a_log(database_url) as log:
        await log.append(opened(_LIBRARY), seat("seat-of-today", _LIBRARY))
        if log.position(PROJECTIONS[-1].name) == 0:
            for projection in PROJECTIONS:
                await rebuild(log, projection)
        async with reads_of(log) as reads:
            newest: dict[str, int] = {}
            clients = [
                ReadingClient(reads, _QUESTIONS, newest, chance=chance, every_seconds=0.1, patient=patient)
                for _ in range(CLIENTS)
            ]
            coming = asyncio.create_task(_events_keep_coming(log))
            try:
                async with reading(clients):
                    yield Ordeal(server, log, clients)
            finally:
                coming.cancel()
                await asyncio.wait([coming])
            if not coming.cancelled():
                coming.result()


async def _events_keep_coming(log: Log) -> None:
    for number in count():
        event = booked(
            f"booking-{number}",
            "seat-of-today",
            start=NINE + number % 20 * HOUR,
            user_id=_STUDENT,
            library_id=_LIBRARY,
        )
        with suppress(StoreUnavailable):
            await log.append(event)
        await asyncio.sleep(_EVENT_EVERY_SECONDS)
