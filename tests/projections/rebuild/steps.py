"""What tests of rebuilds share: rebuilding, and the rows of a build."""

from contextlib import aclosing
from typing import Any

from psycopg import sql

from studyspot.projections.builds import Build
from studyspot.projections.projection import Projection, Table
from studyspot.projections.rebuild.progress import Progress
from studyspot.projections.rebuild.run import Rebuilt, rebuild_all
from studyspot.projections.verification.run import Verified, verify
from tests.projections.system import Log


async def rebuild(
    log: Log, projection: Projection, told: list[Progress] | None = None, workers: int = 1
) -> Rebuilt:
    rebuilding = rebuild_all(
        [projection],
        database_url=log.database_url,
        store=log.store,
        workers=workers,
        tell=(told if told is not None else []).append,
    )
    async with aclosing(rebuilding):
        return await anext(rebuilding)


def current(log: Log, projection: Projection) -> Build:
    [identity] = log.rows("SELECT name, version, number FROM read.current WHERE name = %s", projection.name)
    return Build(*identity)


def rows_of(log: Log, build: Build, table: Table) -> list[Any]:
    """All rows of a table, as text, in the order of their key."""
    statement = sql.SQL("SELECT t::text FROM {} AS t ORDER BY {}").format(
        build.table(table), sql.SQL(", ").join(map(sql.Identifier, table.key))
    )
    return log.rows(statement.as_string())


def all_rows(log: Log, projection: Projection, build: Build) -> dict[str, list[Any]]:
    return {table.name: rows_of(log, build, table) for table in projection.tables}


async def verifying(log: Log, projection: Projection, sample: int | None = None) -> Verified:
    return await verify(
        projection, database_url=log.database_url, workers=1, sample=sample, tell=lambda progress: None
    )
