"""Keeping a rebuild at one of its stages: by a lock that it has to wait for there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal, LiteralString, get_args

from psycopg import AsyncConnection, sql

from studyspot.projections.builds import Build
from studyspot.projections.frame import SCHEMA
from studyspot.projections.projection import Projection
from tests.projections.rebuild.watching import row

Stage = Literal["reading", "copying", "a part is done", "indexing", "catching up", "moving the pointer"]
STAGES: tuple[Stage, ...] = get_args(Stage)

_LAST_PART = """
INSERT INTO read.rebuilt_parts (name, part, events, parked)
SELECT name, parts - 1, 0, '[]' FROM read.rebuilds WHERE name = %s
"""
_OTHER_PARTS = (
    "SELECT FROM read.rebuilds WHERE name = %s AND parts - 1 = (SELECT count(*) FROM read.rebuilt_parts)"
)
_CURRENT = """
SELECT FROM read.builds JOIN read.current USING (name, version, number) WHERE name = %s FOR UPDATE OF builds
"""
_NEW = """
SELECT FROM read.builds JOIN read.rebuilds USING (name, version, number) WHERE name = %s FOR UPDATE OF builds
"""
_WAITING = """
SELECT FROM pg_stat_activity
WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
    AND application_name = %s AND query LIKE %s
"""
# Who waits, and with what: others read and write beside the rebuild, and may stand before it.
_SCAN = ("studyspot-store", "%type = ANY%")
_REBUILD = ("studyspot rebuild", "%")
_AWAITED = "SELECT FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"


class _Holder:
    """Connections that hold locks until they are closed; each lock waits in a transaction of its own."""

    def __init__(self, database_url: str, stack: AsyncExitStack, watching: AsyncConnection) -> None:
        self._database_url = database_url
        self._stack = stack
        self.watching = watching

    async def lock(self, statement: sql.SQL | sql.Composed, *parameters: Any) -> AsyncConnection:
        connection = await AsyncConnection.connect(self._database_url)
        self._stack.push_async_callback(connection.close)
        await connection.execute(statement, parameters)
        return connection

    async def keeps_waiting(self, who: tuple[str, str]) -> None:
        await row(self.watching, _WAITING, *who)


@asynccontextmanager
async def held(database_url: str, projection: Projection, stage: Stage) -> AsyncIterator[None]:
    """Wait until a rebuild has come to the stage, and keep it there until the end of the block.

    It may be begun before or after; a crash of the server lets it go as well.
    """
    async with AsyncExitStack() as stack:
        watching = await AsyncConnection.connect(database_url, autocommit=True)
        stack.push_async_callback(watching.close)
        holder = _Holder(database_url, stack, watching)
        # Soon: the rebuild goes on meanwhile.
        version, number = await row(
            watching,
            "SELECT version, number FROM read.rebuilds WHERE name = %s",
            projection.name,
            every_seconds=0.002,
        )
        await _HOLDS[stage](holder, projection, Build(projection.name, version, number))
        yield


async def _reading(holder: _Holder, projection: Projection, build: Build) -> None:
    await holder.lock(sql.SQL("LOCK TABLE store.events IN ACCESS EXCLUSIVE MODE"))
    await holder.keeps_waiting(_SCAN)


async def _copying(holder: _Holder, projection: Projection, build: Build) -> None:
    await holder.lock(_last_table(projection, build, "SHARE"))
    await holder.keeps_waiting(_REBUILD)


async def _a_part_is_done(holder: _Holder, projection: Projection, build: Build) -> None:
    await holder.lock(sql.SQL(_LAST_PART), projection.name)
    await holder.keeps_waiting(_REBUILD)
    await row(holder.watching, _OTHER_PARTS, projection.name)


async def _indexing(holder: _Holder, projection: Projection, build: Build) -> AsyncConnection:
    holding = await holder.lock(_last_table(projection, build, "ACCESS SHARE"))
    await holder.keeps_waiting(_REBUILD)
    return holding


async def _catching_up(holder: _Holder, projection: Projection, build: Build) -> None:
    # Nobody can lock the row of the build before the indexes are there; so what comes next is kept waiting.
    indexing = await _indexing(holder, projection, build)
    analyzing = asyncio.create_task(holder.lock(_last_table(projection, build, "SHARE UPDATE EXCLUSIVE")))
    await row(
        holder.watching,
        "SELECT FROM pg_locks WHERE NOT granted AND mode = 'ShareUpdateExclusiveLock'"
        " AND relation = to_regclass(%s)",
        f"{SCHEMA}.{build.table_name(projection.tables[-1])}",
    )
    await indexing.close()
    before = await analyzing
    holding = await holder.lock(sql.SQL(_NEW), projection.name)
    await before.close()
    await row(holder.watching, _AWAITED, holding.info.backend_pid)


async def _moving_the_pointer(holder: _Holder, projection: Projection, build: Build) -> None:
    await holder.lock(sql.SQL(_CURRENT), projection.name)
    await holder.keeps_waiting(_REBUILD)


_HOLDS: dict[Stage, Callable[[_Holder, Projection, Build], Awaitable[Any]]] = {
    "reading": _reading,
    "copying": _copying,
    "a part is done": _a_part_is_done,
    "indexing": _indexing,
    "catching up": _catching_up,
    "moving the pointer": _moving_the_pointer,
}


def _last_table(projection: Projection, build: Build, mode: LiteralString) -> sql.Composed:
    return sql.SQL("LOCK TABLE {} IN {} MODE").format(
        build.table(projection.tables[-1]),
        sql.SQL(mode),
    )
