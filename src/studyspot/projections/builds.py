"""Where a projection's rows are: builds, each with tables and a position of its own.

A projection has one build for each version and rebuild. One pointer row a projection, in `read.current`,
names the build that is read. Nothing is ever renamed: a rename would block readers behind an older one.
"""

from dataclasses import dataclass

from psycopg import AsyncConnection, sql

from studyspot.projections.projection import Projection, Table

SCHEMA = "read"
CHANNEL = "studyspot_read"
"""PostgreSQL notifications of new positions: `name version number position`."""

_LOCK = 7_311_402
"""Advisory lock of those who make tables."""

_FRAME = """
CREATE SCHEMA IF NOT EXISTS read;
CREATE TABLE IF NOT EXISTS read.builds (
    name text NOT NULL,
    version integer NOT NULL,
    number integer NOT NULL,
    position bigint NOT NULL,
    epoch text NOT NULL,
    event_time timestamptz,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, version, number)
);
CREATE TABLE IF NOT EXISTS read.current (
    name text PRIMARY KEY,
    version integer NOT NULL,
    number integer NOT NULL,
    FOREIGN KEY (name, version, number) REFERENCES read.builds
);
"""


@dataclass(frozen=True, slots=True)
class Build:
    """One copy of a projection's tables; `number` counts the rebuilds of a version from 1."""

    name: str
    version: int
    number: int

    def table(self, table: Table) -> sql.Identifier:
        return sql.Identifier(SCHEMA, f"{table.name}_{self.version}_{self.number}")


async def prepare(connection: AsyncConnection, projection: Projection, epoch: str) -> Build:
    """Make what the projection's version lacks, and return the build that its worker keeps up.

    Safe to repeat, and concurrently. Tables that were lost are not made again empty. A projection that
    nobody reads yet is read from this build on.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        await connection.execute(_FRAME)
        build = Build(projection.name, projection.version, await _number(connection, projection))
        identity = [build.name, build.version, build.number]
        begun = await connection.execute(
            "INSERT INTO read.builds (name, version, number, position, epoch)"
            " VALUES (%s, %s, %s, 0, %s) ON CONFLICT DO NOTHING",
            [*identity, epoch],
        )
        if begun.rowcount == 1:
            for table in projection.tables:
                for statement in definition(table, build):
                    await connection.execute(statement)
        await connection.execute(
            "INSERT INTO read.current (name, version, number) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            identity,
        )
    return build


async def make_current(connection: AsyncConnection, build: Build) -> bool:
    """Let readers read this build from now on; return whether they read another before."""
    moved = await connection.execute(
        "UPDATE read.current SET version = %(version)s, number = %(number)s"
        " WHERE name = %(name)s AND (version, number) <> (%(version)s, %(number)s)",
        {"name": build.name, "version": build.version, "number": build.number},
    )
    return moved.rowcount == 1


def definition(table: Table, build: Build) -> tuple[sql.Composed, ...]:
    """Return the statements that make the table, and then its indexes."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
        for column, kind in table.columns.items()
    )
    name = build.table(table)
    made = sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(
        name, columns, sql.SQL(", ").join(map(sql.Identifier, table.key))
    )
    indexes = (
        sql.SQL("CREATE INDEX {} ON {} ({})").format(
            sql.Identifier(f"{table.name}_{build.version}_{build.number}_by_{'_'.join(by)}"),
            name,
            sql.SQL(", ").join(map(sql.Identifier, by)),
        )
        for by in table.indexes
    )
    return (made, *indexes)


async def _number(connection: AsyncConnection, projection: Projection) -> int:
    """Return the number of the build that is read, or else of the newest one of this version."""
    found = await connection.execute(
        "SELECT coalesce("
        "(SELECT number FROM read.current WHERE name = %(name)s AND version = %(version)s),"
        " (SELECT max(number) FROM read.builds WHERE name = %(name)s AND version = %(version)s), 1)",
        {"name": projection.name, "version": projection.version},
    )
    row = await found.fetchone()
    assert row is not None
    return int(row[0])
