"""What a rebuild is going to do, kept in the database, so that one that was stopped is gone on with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from psycopg import AsyncConnection, sql

import studyspot
from studyspot.event_store.types import Head
from studyspot.projections.builds import Build, creation, drop_tables, indexing, next_number
from studyspot.projections.frame import ensure_frame
from studyspot.projections.projection import Projection


class DropsChanged(Exception):
    """The plan no longer holds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A build to be filled from the events up to `until`, in so many parts, without those that are `dropped`.

    `done` maps parts that are done to their events; `filled` says that the whole build is, and has indexes.
    """

    build: Build
    epoch: str
    until: int
    parts: int
    dropped: frozenset[int]
    done: Mapping[int, int]
    filled: bool


async def begin(connection: AsyncConnection, projection: Projection, head: Head, parts: int) -> Plan:
    """Return the plan of a rebuild that was stopped, if it still holds; otherwise make another.

    A plan holds for the code that made it, in the epoch that it was made in, until another event is dropped,
    or its build, or one that came after it, is read.
    """
    async with connection.transaction():
        await ensure_frame(connection)
        found = await connection.execute(
            "SELECT version, number, rebuilds.tables, release, rebuilds.epoch, dropped, until, parts,"
            " superseded_at IS NOT NULL OR (version, number) = (SELECT current.version, current.number"
            " FROM read.current WHERE current.name = rebuilds.name)"
            " FROM read.rebuilds LEFT JOIN read.builds USING (name, version, number) WHERE name = %s",
            [projection.name],
        )
        drops = await dropped(connection, projection.name)
        if stopped := await found.fetchone():
            version_then, number, tables, release, epoch, dropped_then, until, parts_then, over = stopped
            made = (version_then, release, epoch, frozenset(dropped_then))
            if made == (projection.version, _release(), head.epoch, drops) and not over:
                build = Build(projection.name, version_then, number)
                return await _resumed(connection, build, head.epoch, until, parts_then, drops)
            await _abandon(connection, projection.name, tables)
        build = Build(projection.name, projection.version, await next_number(connection, projection))
        await connection.execute(
            "INSERT INTO read.rebuilds (name, version, number, tables, release, epoch, until, parts, dropped)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *(build.name, build.version, build.number),
                [build.table_name(table) for table in projection.tables],
                *(_release(), head.epoch, head.position, parts, sorted(drops)),
            ],
        )
        for table in projection.tables:
            await connection.execute(creation(table, build))
    return Plan(build, head.epoch, head.position, parts, drops, {}, filled=False)


async def complete(connection: AsyncConnection, projection: Projection, plan: Plan) -> None:
    """Give the filled tables their keys and indexes, and enter the build: from here on it can be kept up."""
    identity = [plan.build.name, plan.build.version, plan.build.number]
    async with connection.transaction():
        for table in projection.tables:
            for statement in indexing(table, plan.build):
                await connection.execute(statement)
        await connection.execute(
            "INSERT INTO read.builds (name, version, number, tables, position, epoch)"
            " SELECT name, version, number, tables, until, epoch FROM read.rebuilds WHERE name = %s",
            [plan.build.name],
        )
        await connection.execute(
            "INSERT INTO read.parked (name, version, number, position, key, library_id, user_id, reason)"
            # What cannot be read may be in several parts; it is by that part where it follows another.
            " SELECT DISTINCT ON (position) %s, %s, %s, parked.*"
            " FROM read.rebuilt_parts, jsonb_to_recordset(rebuilt_parts.parked)"
            " AS parked(position bigint, key text, library_id text, user_id text, reason text)"
            " WHERE name = %s ORDER BY position, reason NULLS FIRST",
            [*identity, plan.build.name],
        )
    for table in projection.tables:
        await connection.execute(sql.SQL("ANALYZE {}").format(plan.build.table(table)))


async def forget(connection: AsyncConnection, name: str) -> None:
    """End the plan: its build is read."""
    await connection.execute("DELETE FROM read.rebuilds WHERE name = %s", [name])


async def dropped(connection: AsyncConnection, name: str) -> frozenset[int]:
    """Return the positions that an operator has decided never to apply."""
    found = await connection.execute("SELECT position FROM read.dropped WHERE name = %s", [name])
    return frozenset(position for (position,) in await found.fetchall())


async def require_same_drops(connection: AsyncConnection, plan: Plan) -> None:
    """Let no event be dropped until the transaction's end.

    Raises:
        DropsChanged: one was dropped since the plan was made; what was made of it may be in the rows.
    """
    await connection.execute("LOCK TABLE read.dropped IN SHARE MODE")
    if await dropped(connection, plan.build.name) != plan.dropped:
        raise DropsChanged


async def count_parked(connection: AsyncConnection, build: Build) -> int:
    found = await connection.execute(
        "SELECT count(*) FROM read.parked WHERE (name, version, number) = (%s, %s, %s)",
        [build.name, build.version, build.number],
    )
    row = await found.fetchone()
    assert row is not None
    return int(row[0])


async def _resumed(
    connection: AsyncConnection, build: Build, epoch: str, until: int, parts: int, drops: frozenset[int]
) -> Plan:
    found = await connection.execute(
        "SELECT part, events FROM read.rebuilt_parts WHERE name = %s", [build.name]
    )
    done: dict[int, int] = dict(await found.fetchall())
    found = await connection.execute(
        "SELECT FROM read.builds WHERE (name, version, number) = (%s, %s, %s)",
        [build.name, build.version, build.number],
    )
    return Plan(build, epoch, until, parts, drops, done, filled=bool(await found.fetchall()))


async def _abandon(connection: AsyncConnection, name: str, tables: list[str]) -> None:
    found = await connection.execute(
        "SELECT FROM read.current JOIN read.rebuilds USING (name, version, number) WHERE name = %s", [name]
    )
    if not await found.fetchall():  # A worker may have begun to keep it up, where there was no other.
        await connection.execute(
            "DELETE FROM read.builds USING read.rebuilds AS given WHERE given.name = %s"
            " AND (builds.name, builds.version, builds.number) = (given.name, given.version, given.number)",
            [name],
        )
        await drop_tables(connection, tables)
    await forget(connection, name)


@cache
def _release() -> str:
    """Return what tells this code from any other: its version, and a digest of its files."""
    digest = sha256()
    for file in sorted(Path(studyspot.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return f"{version('studyspot')}-{digest.hexdigest()[:12]}"
