"""Where a projection's rows are: builds, each with tables and a position of its own.

A projection has one build for each version and rebuild. One pointer row a projection, in `read.current`,
names the build that is read. Nothing is ever renamed: a rename would block readers behind an older one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import structlog
from psycopg import AsyncConnection, sql

from studyspot.projections.errors import NewerVersionServed
from studyspot.projections.frame import SCHEMA, ensure_frame
from studyspot.projections.projection import Projection, Table

CHANNEL = "studyspot_read"
"""PostgreSQL notifications of new positions: `name version number position`."""

_POINTER_LOCK_CLASS = 7_311_405

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Build:
    """One copy of a projection's tables; `number` counts the rebuilds of a version from 1."""

    name: str
    version: int
    number: int

    def table_name(self, table: Table) -> str:
        return f"{table.name}_{self.version}_{self.number}"

    def table(self, table: Table) -> sql.Identifier:
        return sql.Identifier(SCHEMA, self.table_name(table))


async def prepare(connection: AsyncConnection, projection: Projection, epoch: str) -> Build:
    """Make what the projection's version lacks, and return the build that its worker keeps up.

    Safe to repeat, and concurrently. Tables that were lost are not made again empty. A projection that
    nobody reads yet is read from this build on.

    Raises:
        NewerVersionServed: a later release's build is read.
    """
    async with connection.transaction():
        await ensure_frame(connection)
        build = Build(projection.name, projection.version, await _number(connection, projection))
        identity = [build.name, build.version, build.number]
        tables = [build.table_name(table) for table in projection.tables]
        begun = await connection.execute(
            "INSERT INTO read.builds (name, version, number, tables, position, epoch)"
            " VALUES (%s, %s, %s, %s, 0, %s) ON CONFLICT DO NOTHING",
            [*identity, tables, epoch],
        )
        if begun.rowcount == 1:
            for table in projection.tables:
                await connection.execute(creation(table, build))
                for statement in indexing(table, build):
                    await connection.execute(statement)
        await connection.execute(
            "INSERT INTO read.current (name, version, number) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            identity,
        )
    return build


async def make_current(connection: AsyncConnection, build: Build) -> bool:
    """Let readers read this build from now on; return whether they read another before, or none.

    What they read before is superseded: its workers move over. A build that has given way itself never comes
    back.
    """
    identity = {"name": build.name, "version": build.version, "number": build.number}
    async with connection.transaction():
        await lock_pointer(connection, build.name)
        moved = await connection.execute(
            "INSERT INTO read.current (name, version, number) SELECT name, version, number FROM read.builds"
            " WHERE (name, version, number) = (%(name)s, %(version)s, %(number)s) AND superseded_at IS NULL"
            " ON CONFLICT (name) DO UPDATE SET version = excluded.version, number = excluded.number"
            " WHERE (current.version, current.number) <> (excluded.version, excluded.number)",
            identity,
        )
        if moved.rowcount == 0:
            return False
        await connection.execute(
            "UPDATE read.builds SET superseded_at = clock_timestamp() WHERE name = %(name)s"
            " AND (version, number) <> (%(version)s, %(number)s) AND superseded_at IS NULL",
            identity,
        )
        # Readers that wait for a position hear of the build before its next event.
        await connection.execute(
            "SELECT pg_notify(%(channel)s, concat_ws(' ', name, version, number, position)) FROM read.builds"
            " WHERE (name, version, number) = (%(name)s, %(version)s, %(number)s)",
            {**identity, "channel": CHANNEL},
        )
    return True


async def lock_pointer(connection: AsyncConnection, name: str) -> None:
    """Let nobody else move the projection's pointer until the end of the transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_POINTER_LOCK_CLASS, name])


def creation(table: Table, build: Build, *, unlogged: bool = False) -> sql.Composed:
    """Return the statement that makes the table, without its key and indexes."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
        for column, kind in table.columns.items()
    )
    kind = sql.SQL("UNLOGGED TABLE" if unlogged else "TABLE")
    return sql.SQL("CREATE {} {} ({})").format(kind, build.table(table), columns)


def indexing(table: Table, build: Build) -> tuple[sql.Composed, ...]:
    """Return the statements that give the table its key and its indexes."""
    name = build.table(table)
    key = sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(
        name, sql.SQL(", ").join(map(sql.Identifier, table.key))
    )
    indexes = (
        sql.SQL("CREATE INDEX {} ON {} ({})").format(
            sql.Identifier(f"{build.table_name(table)}_by_{'_'.join(by)}"),
            name,
            sql.SQL(", ").join(map(sql.Identifier, by)),
        )
        for by in table.indexes
    )
    return (key, *indexes)


async def _number(connection: AsyncConnection, projection: Projection) -> int:
    """Return the number of the version's build that is read, or is to be, or else of a new one."""
    found = await connection.execute(
        "SELECT version, number FROM read.current WHERE name = %s", [projection.name]
    )
    current = await found.fetchone()
    if current is not None and current[0] == projection.version:
        return int(current[1])
    if current is not None and current[0] > projection.version:
        raise NewerVersionServed(projection.name, projection.version, current[0])
    found = await connection.execute(
        "SELECT number FROM read.builds WHERE name = %s AND version = %s AND superseded_at IS NULL"
        " ORDER BY number DESC LIMIT 1",
        [projection.name, projection.version],
    )
    begun = await found.fetchone()
    return int(begun[0]) if begun else await next_number(connection, projection)


async def next_number(connection: AsyncConnection, projection: Projection) -> int:
    """Return a number that no build of the projection's version has, or is being made under."""
    found = await connection.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM ("
        "SELECT number FROM read.builds WHERE name = %(name)s AND version = %(version)s"
        " UNION ALL SELECT number FROM read.rebuilds WHERE name = %(name)s AND version = %(version)s)",
        {"name": projection.name, "version": projection.version},
    )
    row = await found.fetchone()
    assert row is not None
    return int(row[0])


async def drop_superseded(connection: AsyncConnection, projection: Projection, *, grace: timedelta) -> None:
    """Drop the tables of builds that gave way to another longer than `grace` ago.

    Tables that are being read are left for the next time.
    """
    found = await connection.execute(
        "SELECT tables, name, version, number FROM read.builds"
        " WHERE name = %s AND superseded_at < clock_timestamp() - %s",
        [projection.name, grace],
    )
    for tables, *identity in await found.fetchall():
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '1s'")
                await drop_tables(connection, tables)
                await connection.execute(
                    "DELETE FROM read.builds WHERE (name, version, number) = (%s, %s, %s)", identity
                )
        except psycopg.errors.LockNotAvailable:
            log.info("old tables are still read", projection=projection.name, build=identity[2])


async def drop_tables(connection: AsyncConnection, tables: Sequence[str]) -> None:
    """Drop tables of a build, by the names that it was made with."""
    for table in tables:
        await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(SCHEMA, table)))
