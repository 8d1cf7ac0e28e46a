"""Verifying a projection while it is read: its rows are made again from the log, beside it, and compared.

What is read is looked at through one snapshot, so that it is the state of one position, and the log is folded
up to just there. Rows of parked keys are left out: they are known to be old.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil

import psycopg
from psycopg import AsyncConnection, IsolationLevel, sql

from studyspot.event_store.connections import connect_async
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.scanning import count_events
from studyspot.projections.builds import Build, creation, drop_tables
from studyspot.projections.parking import storable
from studyspot.projections.projection import Projection, Table
from studyspot.projections.rebuild import plan as plans
from studyspot.projections.rebuild.errors import RebuildError, RebuildRunning
from studyspot.projections.rebuild.filling import fill_scratch
from studyspot.projections.rebuild.part import Part, Target
from studyspot.projections.rebuild.pool import in_processes
from studyspot.projections.rebuild.progress import Progress
from studyspot.projections.rebuild.shares import Share
from studyspot.projections.rebuild.together import parts_of
from studyspot.projections.verification.comparison import Difference, Scope, Side, compare

SCRATCH = 0
"""The number of the build that a verification makes; those that are read count from 1."""

_LOCK_CLASS = 7_311_404


@dataclass(frozen=True, slots=True)
class Verified:
    """What was compared: the build that is read, at a position, and how many of its rows.

    `keys` is how many keys were sampled, none where all were compared; `parked` how many were left out.
    """

    build: Build
    position: int
    rows: int
    keys: int | None
    parked: int
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is read, as of one snapshot."""

    build: Build
    position: int
    parked: tuple[str, ...]
    keys: int


class NotBuilt(RebuildError):
    """There is nothing to verify."""

    def __init__(self, projection: Projection) -> None:
        super().__init__(
            f"nobody reads a build of {projection.name} in version {projection.version}",
            f"`studyspot projections rebuild {projection.name}` makes one",
        )


async def verify(
    projection: Projection,
    *,
    database_url: str,
    workers: int,
    sample: int | None,
    tell: Callable[[Progress], None],
) -> Verified:
    """Compare the rows that are read with the log: all of them, or those of about `sample` keys, by chance.

    Raises:
        NotBuilt: there is nothing to verify.
        RebuildRunning: another process verifies the same projection.
        RebuildError: a process was killed.
        StoreUnavailable: the database is away.
        PoisonEvent, UnknownEvent: an event can be neither applied nor parked.
    """
    try:
        async with (
            _connected(database_url) as connection,
            _connected(database_url) as reading,
            _alone(connection, projection),
        ):
            await reading.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            async with reading.transaction():
                seen = await _look(reading, projection)
                chosen = await _choose(reading, projection, seen, sample)
                keys = await _fill(connection, database_url, projection, seen, chosen, workers, tell)
                scratch = Build(projection.name, projection.version, SCRATCH)
                sampled = keys | chosen.also if chosen else None
                # What PostgreSQL cannot hold is in no row.
                wanted = None if sampled is None else sorted(filter(_is_storable, sampled))
                scope = Scope(wanted, seen.parked)
                tell(Progress(projection.name, "comparing", 0, 0))
                rows, difference = 0, None
                for table in projection.tables:
                    compared, first = await compare(
                        table, Side(connection, scratch), Side(reading, seen.build), scope
                    )
                    rows, difference = rows + compared, difference or first
            count = None if sampled is None else len(sampled)
            return Verified(seen.build, seen.position, rows, count, len(seen.parked), difference)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StoreUnavailable(str(error)) from error


async def _look(reading: AsyncConnection, projection: Projection) -> _Seen:
    try:
        found = await reading.execute(
            "SELECT number, position FROM read.current JOIN read.builds USING (name, version, number)"
            " WHERE name = %s AND version = %s",
            [projection.name, projection.version],
        )
    except psycopg.errors.UndefinedTable as error:  # No worker has run yet.
        raise NotBuilt(projection) from error
    row = await found.fetchone()
    if row is None:
        raise NotBuilt(projection)
    build = Build(projection.name, projection.version, row[0])
    found = await reading.execute(
        "SELECT DISTINCT key FROM read.parked WHERE (name, version, number) = (%s, %s, %s)",
        [build.name, build.version, build.number],
    )
    parked = tuple(key for (key,) in await found.fetchall())
    keys = 0
    for table in projection.tables:
        counted = await reading.execute(_count(table, build))
        keys = max(keys, (await counted.fetchone() or (0,))[0])
    return _Seen(build, row[1], parked, keys)


async def _choose(
    reading: AsyncConnection, projection: Projection, seen: _Seen, sample: int | None
) -> Share | None:
    """Return a share with about `sample` keys, others each time; none where that is all.

    Half of them come from the log, as a row may be missing, and half from the rows, as one may be too many.
    """
    of = 1 if sample is None else ceil(2 * seen.keys / sample)
    if sample is None or of <= 1:
        return None
    also: set[str] = set()
    for table in projection.tables:
        found = await reading.execute(_some(table, seen.build), [ceil(sample / (2 * len(projection.tables)))])
        also |= {key for (key,) in await found.fetchall()}
    return Share(0, of, salt=random.getrandbits(32), also=frozenset(also))


async def _fill(
    connection: AsyncConnection,
    database_url: str,
    projection: Projection,
    seen: _Seen,
    sample: Share | None,
    workers: int,
    tell: Callable[[Progress], None],
) -> frozenset[str]:
    """Make the rows again in tables of their own; return the keys that were sampled."""
    scratch = Build(projection.name, projection.version, SCRATCH)
    for table in projection.tables:
        await connection.execute(creation(table, scratch, unlogged=True))
    events = await asyncio.to_thread(count_events, database_url, projection.event_types(), seen.position)
    dropped = await plans.dropped(connection, projection.name)
    if sample is not None:
        events //= sample.of
    parts = parts_of(workers, events)
    keys = await in_processes(
        fill_scratch,
        [
            Part(
                database_url,
                Share(index, parts),
                (Target(scratch, seen.position, dropped, counter=index),),
                sample,
            )
            for index in range(parts)
        ],
        workers=workers,
        tell=lambda read: tell(Progress(projection.name, "reading the log", sum(read), events)),
    )
    return frozenset().union(*keys)


@asynccontextmanager
async def _alone(connection: AsyncConnection, projection: Projection) -> AsyncIterator[None]:
    """Keep other verifications of this projection out, and leave no table behind."""
    found = await connection.execute(
        "SELECT pg_try_advisory_lock(%s, hashtext(%s))", [_LOCK_CLASS, projection.name]
    )
    if (await found.fetchone()) != (True,):
        raise RebuildRunning(projection.name, doing="verified")
    scratch = Build(projection.name, projection.version, SCRATCH)
    tables = [scratch.table_name(table) for table in projection.tables]
    await drop_tables(connection, tables)  # Those of one that was killed.
    try:
        yield
    finally:
        if not connection.closed:
            await drop_tables(connection, tables)


@asynccontextmanager
async def _connected(database_url: str) -> AsyncIterator[AsyncConnection]:
    connection = await connect_async(
        database_url, connect_timeout=5, keepalives_idle=5, tcp_user_timeout=5000
    )
    async with connection:
        # Rows are compared as text, in which times are said in the session's zone.
        await connection.execute("SET application_name = 'studyspot verification'; SET TimeZone = 'UTC'")
        yield connection


def _count(table: Table, build: Build) -> sql.Composed:
    return sql.SQL("SELECT count(DISTINCT {}) FROM {}").format(
        sql.Identifier(table.key[0]), build.table(table)
    )


def _some(table: Table, build: Build) -> sql.Composed:
    return sql.SQL(
        "SELECT DISTINCT {key} FROM (SELECT {key} FROM {table} ORDER BY random() LIMIT %s) AS chosen"
    ).format(key=sql.Identifier(table.key[0]), table=build.table(table))


def _is_storable(key: str) -> bool:
    return storable(key) == key
