"""Running a query for one request: after the position it asks for, and with the position it reflects."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from types import TracebackType
from typing import Annotated, Any, Self

import psycopg
from fastapi import Depends, Request, Response
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool

from studyspot.decisions.clock import Clock, system_clock
from studyspot.event_store.store import EventStore
from studyspot.projections.builds import Build
from studyspot.projections.projection import Projection
from studyspot.projections.queries.current_builds import CurrentBuilds
from studyspot.projections.queries.query import Query
from studyspot.wire.min_position import MinPosition
from studyspot.wire.parked import PARKED_HEADER
from studyspot.wire.positions import POSITION
from studyspot.wire.problems import POSITION_AHEAD, POSITION_NOT_REACHED, UNAVAILABLE, Problem

WAIT_AT_MOST = timedelta(seconds=2)
LOOK_OURSELVES_AFTER = timedelta(milliseconds=500)
"""A request that no notification has woken looks for itself: the listening connection may be lost."""

RETRY_AFTER = timedelta(seconds=1)
ANSWER_WITHIN = timedelta(seconds=5)
_CLOSE_WITHIN = ANSWER_WITHIN + timedelta(milliseconds=500)

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows, the position and epoch of the log that they reflect, and whether something parked concerns them.

    `parked_wholly` says whether it concerns the answer as a whole.
    """

    position: int
    epoch: str
    rows: list[dict[str, Any]]
    parked: bool
    parked_wholly: bool


class Queries:
    """Reads the read models; an async context manager that follows their positions meanwhile."""

    def __init__(self, pool: Pool, database_url: str, store: EventStore, clock: Clock = system_clock) -> None:
        """`pool` gives connections in autocommit within a bounded wait; whoever made it closes it."""
        self.clock = clock
        self._pool = pool
        self._store = store
        self._current = CurrentBuilds(database_url)
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._current.run(), name="read-positions")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._following is not None
        self._following.cancel()
        await asyncio.wait([self._following])

    async def read(self, query: Query, parameters: dict[str, Any], min_position: int | None) -> Reading:
        """Run the query once its read models have reached `min_position`.

        Raises:
            Problem: 422, the log has not reached that position; 503, the read models are behind or not built.
            psycopg.OperationalError, PoolTimeout, StoreUnavailable: the database is away, or has not answered
                within `ANSWER_WITHIN`.
        """
        try:
            # The inner limit asks the server to cancel; the outer one closes a connection that stays silent.
            async with (
                asyncio.timeout(_CLOSE_WITHIN.total_seconds()),
                asyncio.timeout(ANSWER_WITHIN.total_seconds()),
            ):
                return await self._read(query, parameters, min_position)
        except TimeoutError as error:
            raise psycopg.OperationalError("the database did not answer in time") from error

    async def _read(self, query: Query, parameters: dict[str, Any], min_position: int | None) -> Reading:
        if min_position is not None:
            await self._reach(query.sources, min_position)
        deadline = time.monotonic() + WAIT_AT_MOST.total_seconds()
        while True:
            try:
                async with self._pool.connection() as connection:
                    reading = await self._run(connection, query, parameters)
            except psycopg.OperationalError:
                # The pool may hold connections that died while they were idle.
                if time.monotonic() >= deadline:
                    raise
            else:
                # A database that crashed may have gone back a little; the workers bring it up again.
                if reading.position < (min_position or 0):
                    raise _behind(reading.position + 1)
                return reading

    async def _reach(self, sources: Sequence[Projection], position: int) -> None:
        if self._current.reached(sources, position):
            return
        head = await asyncio.to_thread(self._store.head)
        if position > head.position:
            raise Problem(POSITION_AHEAD, f"The log ends at position {head.position}.")
        deadline = time.monotonic() + WAIT_AT_MOST.total_seconds()
        while not await self._current.wait(sources, position, LOOK_OURSELVES_AFTER):
            too_late = time.monotonic() >= deadline
            try:
                async with self._pool.connection() as connection:
                    await self._current.look(connection)
            except psycopg.OperationalError:
                if too_late:
                    raise
            else:
                if too_late and not self._current.reached(sources, position):
                    raise _behind(position)

    async def _run(
        self, connection: AsyncConnection[TupleRow], query: Query, parameters: dict[str, Any]
    ) -> Reading:
        for attempt in range(2):
            builds = self._current.of(query.sources)
            if builds is None or attempt:
                await self._current.look(connection)
                builds = self._current.of(query.sources)
            if builds is None:
                break
            rows = await _rows(connection, _statement(query, builds), parameters)
            if rows:
                at = rows[0]
                found = [row for row in rows if row["found"]]
                return Reading(
                    at["at_position"], at["at_epoch"], found, at["at_parked"], at["at_parked_wholly"]
                )
        raise Problem(UNAVAILABLE, "What you read is being built. Try again.", RETRY_AFTER)


class Reader:
    """One request to read."""

    def __init__(self, request: Request, response: Response, min_position: MinPosition = None) -> None:
        self._queries: Queries = request.app.state.queries
        self.now = self._queries.clock()
        self._response = response
        self._min_position = min_position

    async def read(self, query: Query, **parameters: Any) -> Reading:
        """Return what the query finds, and put its position into the answer's header.

        Raises:
            Problem, psycopg.OperationalError, PoolTimeout, StoreUnavailable: as `Queries.read`.
        """
        reading = await self._queries.read(query, {**parameters, "now": self.now}, self._min_position)
        self._response.headers[POSITION] = str(reading.position)
        return reading

    def tell_parked(self, parked: bool) -> bool:
        """Say in the answer's header whether it is parked; return what was given."""
        if parked:
            self._response.headers[PARKED_HEADER] = "true"
        return parked


Reads = Annotated[Reader, Depends(Reader)]


def _behind(position: int) -> Problem:
    return Problem(
        POSITION_NOT_REACHED, f"What you read has not reached position {position} yet.", RETRY_AFTER
    )


async def _rows(
    connection: AsyncConnection[TupleRow], statement: str, parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    """Run the statement; no row where its tables are gone, as those of an older build are one day."""
    try:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement.encode(), parameters)
            return await cursor.fetchall()
    except psycopg.errors.UndefinedTable:
        return []


@lru_cache(maxsize=256)
def _statement(query: Query, builds: tuple[Build, ...]) -> str:
    return query.statement(builds)
