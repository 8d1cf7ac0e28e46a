"""The tables of policies, and the position of the log that they follow from: moved together, or not."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace

from psycopg import AsyncConnection

from studyspot.event_store.connections import connect_async
from studyspot.policies.batch import Batch
from studyspot.policies.fold import Change, Cleared, Hit, Plan
from studyspot.policies.hits import Struck, tasks_of

VERSION = 3
"""Of the tables' content: one more where the same events ask for something else, or more kinds are taken."""

_SESSION = """
-- A stopped process must not keep what it has taken from its rival.
SET idle_in_transaction_session_timeout = '15s';
SET statement_timeout = '30s';
SET lock_timeout = '10s';
-- Tables and position are lost together, if at all, and follow from the log, which is durable.
SET synchronous_commit = off;
"""
# Only who moves the position changes the tables; a rival of another history or release never does.
_CLAIM = """
UPDATE policies.progress SET position = %s, epoch = %s, version = %s
WHERE position = %s AND epoch IS NOT DISTINCT FROM %s AND version = %s
"""
_HIT_IN_LIBRARY = """
SELECT subject, seat_id, user_id, start_at, end_at FROM policies.occupations
WHERE library_id = %s AND end_at > %s AND start_at < coalesce(%s, 'infinity'::timestamptz)
ORDER BY start_at, subject
"""
_HIT_AT_SEAT = """
SELECT subject, seat_id, user_id, start_at, end_at FROM policies.occupations
WHERE seat_id = %s AND end_at > %s ORDER BY start_at, subject
"""
_UNREAD = "INSERT INTO policies.unread_events (position, reason) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_EMPTYING = (
    "DELETE FROM policies.tasks",
    "DELETE FROM policies.occupations",
    "DELETE FROM policies.waiting",
    "DELETE FROM policies.seats",
    "DELETE FROM policies.unread_events",
)


class RivalFirst(Exception):
    """Another process has moved the position: nothing was changed, and it is to be read again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the tables follow the log, and as which version; no epoch yet before the first process."""

    position: int
    epoch: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Unread:
    """An event that cannot be read, and why."""

    position: int
    reason: str


async def connect(database_url: str, name: str = "studyspot policies") -> AsyncConnection:
    """Connect for the tables of policies; `name` is what the database shows of it.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    connection = await connect_async(
        database_url,
        application_name=name,
        connect_timeout=5,
        keepalives_idle=5,
        tcp_user_timeout=5000,
    )
    try:
        await connection.execute(_SESSION)
    except BaseException:
        await connection.close()
        raise
    return connection


async def read_progress(connection: AsyncConnection) -> Progress:
    """Return how far the tables follow the log."""
    found = await connection.execute("SELECT position, epoch, version FROM policies.progress")
    row = await found.fetchone()
    assert row is not None, "the migration has made it"
    return Progress(*row)


async def read_unread(connection: AsyncConnection) -> tuple[int, ...]:
    """Return the positions of the events that were left out."""
    found = await connection.execute("SELECT position FROM policies.unread_events ORDER BY position")
    return tuple(position for (position,) in await found.fetchall())


async def apply(
    connection: AsyncConnection,
    before: Progress,
    until: int,
    changes: Iterable[Change],
    unread: Sequence[Unread] = (),
) -> Progress:
    """Change the tables, and move the position to `until`: both, or neither.

    Raises:
        RivalFirst: the position is not `before` any more.
        psycopg.Error: the database is away, or refuses a row.
    """
    after = replace(before, position=until)
    async with connection.transaction():
        await _claim(connection, before, after)
        async with connection.pipeline():
            batch = Batch()
            for change in changes:
                if isinstance(change, Hit):
                    # It asks what stands now.
                    await batch.write(connection)
                    batch = await _hit(connection, change)
                else:
                    batch.add(change)
            await batch.write(connection)
            for event in unread:
                await connection.execute(_UNREAD, [event.position, event.reason])
    return after


async def begin_anew(connection: AsyncConnection, before: Progress, epoch: str | None) -> Progress:
    """Empty the tables, which are then made again from the log's beginning.

    Raises:
        RivalFirst: the position is not `before` any more.
    """
    after = Progress(0, epoch, VERSION)
    async with connection.transaction():
        await _claim(connection, before, after)
        for emptying in _EMPTYING:
            await connection.execute(emptying)
    return after


async def _claim(connection: AsyncConnection, before: Progress, after: Progress) -> None:
    won = await connection.execute(_CLAIM, [*astuple(after), *astuple(before)])
    if won.rowcount != 1:
        raise RivalFirst


async def _hit(connection: AsyncConnection, hit: Hit) -> Batch:
    """Return what is to be done about all that is hit."""
    batch = Batch()
    batch.add(Cleared(hit.ground))
    for task in tasks_of(hit, await _struck(connection, hit)):
        batch.add(Plan(task))
    return batch


async def _struck(connection: AsyncConnection, hit: Hit) -> list[Struck]:
    if hit.seat_id is not None:
        found = await connection.execute(_HIT_AT_SEAT, [hit.seat_id, hit.time])
    else:
        after = hit.time if hit.start is None else max(hit.start, hit.time)
        found = await connection.execute(_HIT_IN_LIBRARY, [hit.library_id, after, hit.end])
    return [
        Struck(subject=subject, seat_id=seat_id, user_id=user_id, start=start, end=end)
        for subject, seat_id, user_id, start, end in await found.fetchall()
    ]
