"""Rebuilding a projection while it is read: a new build beside the old one, and then the pointer moves.

The log up to some position is read by several processes, each folding its share of the keys in memory, of all
projections that are rebuilt; rows go into tables without indexes by COPY, indexes follow, then what has
happened meanwhile. Nothing here has an effect but rows.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import structlog
from psycopg import AsyncConnection

from studyspot.event_store.connections import connect_async
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Head
from studyspot.projections.applier import Applier
from studyspot.projections.builds import Build, lock_pointer, make_current
from studyspot.projections.errors import BuildSuperseded
from studyspot.projections.parking import WRONG_ROWS
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild import plan as plans
from studyspot.projections.rebuild.errors import RebuildOvertaken, RebuildRunning, RowsNotIndexable
from studyspot.projections.rebuild.plan import Plan
from studyspot.projections.rebuild.pool import prepare_processes
from studyspot.projections.rebuild.progress import Progress
from studyspot.projections.rebuild.together import Together
from studyspot.projections.selection import Selection

PAGE = 1000
GIVE_UP_AFTER = timedelta(seconds=60)
"""The database may be away this long, each time."""

_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 0.2, 2.0
_LOCK_CLASS = 7_311_403
_SESSION = """
SET application_name = 'studyspot rebuild';
SET maintenance_work_mem = '256MB';
-- One that is stopped, or whose machine has gone, must not hold the live build, the pointer, or the frame.
SET idle_in_transaction_session_timeout = '5s';
SET tcp_keepalives_idle = 5;
SET tcp_keepalives_interval = 2;
SET tcp_keepalives_count = 3;
SET lock_timeout = '10s';
-- A rebuild that was killed while an index is made must not keep the next one out.
SET client_connection_check_interval = '1s';
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The build that is read now, how many events it was made from, and how many of its events are parked."""

    build: Build
    events: int
    position: int
    parked: int


class Rebuild:
    """Rebuilds one projection, of those `together`; `tell` hears how far it is, a few times a second."""

    def __init__(
        self,
        projection: Projection,
        *,
        database_url: str,
        store: EventStore,
        together: Together,
        tell: Callable[[Progress], None],
    ) -> None:
        self._projection = projection
        self._database_url = database_url
        self._store = store
        self._together = together
        self._tell = tell
        self._selection = Selection(projection)
        # Since when nothing was done; what is done after an outage ends it.
        self._stuck_since: float | None = None
        self._parts_done = 0

    async def run(self) -> Rebuilt:
        """Rebuild, going on where an earlier one was stopped; wait where the database is away.

        Raises:
            RebuildRunning: another process is at it.
            RebuildOvertaken: the log began a new epoch meanwhile, or readers moved on.
            RebuildError: a process was killed.
            StoreUnavailable: the database was away for longer than `GIVE_UP_AFTER`.
            PoisonEvent, UnknownEvent: an event can be neither applied nor parked.
        """
        loop = asyncio.get_running_loop()
        pause = _FIRST_RETRY_SECONDS
        while True:
            try:
                return await self._attempt()
            except plans.DropsChanged:
                log.info("an event was dropped meanwhile", projection=self._projection.name)
                continue
            except WRONG_ROWS as error:
                raise RowsNotIndexable(self._projection.name, error.diag.message_primary or "") from error
            except (psycopg.OperationalError, psycopg.InterfaceError, StoreUnavailable) as error:
                if self._stuck_since is None:
                    self._stuck_since, pause = loop.time(), _FIRST_RETRY_SECONDS
                    log.warning("rebuild waits for the database", reason=str(error).strip())
                if loop.time() - self._stuck_since > GIVE_UP_AFTER.total_seconds():
                    raise StoreUnavailable(str(error)) from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_RETRY_SECONDS)

    async def _attempt(self) -> Rebuilt:
        async with self._alone() as connection:
            head = await asyncio.to_thread(self._store.head)
            events, parts = await self._together.count(self._projection, head.position)
            plan = await plans.begin(connection, self._projection, head, parts)
            if len(plan.done) > self._parts_done:
                self._parts_done, self._stuck_since = len(plan.done), None
            if plan.filled:
                self._together.pass_by(plan.build.name)
            else:
                await self._together.fill(
                    plan,
                    lambda read: self._tell(Progress(plan.build.name, "reading the log", read, events)),
                )
                self._tell(Progress(plan.build.name, "building indexes", events, events))
                async with self._together.indexing:
                    await plans.complete(connection, self._projection, plan)
                self._stuck_since = None
            self._tell(Progress(plan.build.name, "catching up", events, events))
            try:
                position = await self._take_over(connection, plan)
            except BuildSuperseded as error:
                raise RebuildOvertaken(plan.build.name, "readers moved to another build") from error
            parked = await plans.count_parked(connection, plan.build)
            self._tell(Progress(plan.build.name, "done", events, events))
            return Rebuilt(plan.build, events, position, parked)

    async def _take_over(self, connection: AsyncConnection, plan: Plan) -> int:
        """Let readers read the new build, at a position that is not below the old one's."""
        applier = await Applier.open_build(self._database_url, self._projection, plan.build)
        try:
            while (head := await self._head_of(plan)).position > applier.position:
                await self._catch_up(applier, head.position)
            async with connection.transaction():
                await lock_pointer(connection, plan.build.name)
                # From here on the old build stays where it is.
                found = await connection.execute(
                    "SELECT position FROM read.builds JOIN read.current USING (name, version, number)"
                    " WHERE name = %s AND (version, number) <> (%s, %s) FOR UPDATE OF builds",
                    [plan.build.name, plan.build.version, plan.build.number],
                )
                if old := await found.fetchone():
                    # Rows of events that the log has lost are no measure.
                    await self._catch_up(applier, min(old[0], (await self._head_of(plan)).position))
                await plans.require_same_drops(connection, plan)
                await make_current(connection, plan.build)
                await plans.forget(connection, plan.build.name)
            return applier.position
        finally:
            await applier.close()

    async def _catch_up(self, applier: Applier, until: int) -> None:
        while applier.position < until:
            page = await self._store.read_async(after=applier.position, until=until, limit=PAGE)
            if not page.events:
                return
            await applier.apply(self._selection.of_events(page.events))
            self._stuck_since = None

    async def _head_of(self, plan: Plan) -> Head:
        head = await asyncio.to_thread(self._store.head)
        if head.epoch != plan.epoch:
            raise RebuildOvertaken(plan.build.name, "the log began a new epoch")
        return head

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[AsyncConnection]:
        """Connect, and keep every other rebuild of this projection out while the connection lives."""
        name = self._projection.name
        connection = await connect_async(
            self._database_url, connect_timeout=5, keepalives_idle=5, tcp_user_timeout=5000
        )
        async with connection:
            await connection.execute(_SESSION)
            found = await connection.execute(
                "SELECT pg_try_advisory_lock(%s, hashtext(%s))", [_LOCK_CLASS, name]
            )
            if (await found.fetchone()) != (True,):
                raise RebuildRunning(name)
            yield connection


async def rebuild_all(
    projections: Sequence[Projection],
    *,
    database_url: str,
    store: EventStore,
    workers: int,
    tell: Callable[[Progress], None],
) -> AsyncGenerator[Rebuilt]:
    """Rebuild the projections with so many processes in all, and yield each that is done.

    They go on side by side, so that the log is read once for all of them.

    Raises: as `Rebuild.run`; the others are stopped then.
    """
    prepare_processes()
    async with Together(projections, database_url=database_url, workers=workers) as together:
        rebuilding = [
            asyncio.create_task(
                Rebuild(
                    projection, database_url=database_url, store=store, together=together, tell=tell
                ).run()
            )
            for projection in projections
        ]
        try:
            for done in asyncio.as_completed(rebuilding):
                yield await done
        finally:
            for task in rebuilding:
                task.cancel()
            await asyncio.gather(*rebuilding, return_exceptions=True)
