"""How far policies are: what their process measures, and what `studyspot policies status` shows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg import AsyncConnection

from studyspot.event_store.errors import StoreUnavailable

_BACKLOG = """
SELECT
    coalesce(greatest(
        %(now)s - (SELECT min(due_at) FROM policies.tasks WHERE reason IS NULL AND due_at <= %(now)s),
        interval '0'
    ), interval '0'),
    (SELECT count(*) FROM policies.tasks WHERE reason IS NULL),
    (SELECT count(*) FROM policies.tasks WHERE reason IS NOT NULL),
    (SELECT count(*) FROM policies.unread_events)
"""
_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is to be done: how long the oldest due task has waited, how many wait, what needs a look."""

    overdue: timedelta = timedelta()
    waiting: int = 0
    set_aside: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class SetAside:
    """A task that failed for no passing reason; `try_at` is when it is tried again."""

    key: str
    position: int
    due_at: datetime
    try_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PoliciesStatus:
    """Policies beside the log; `set_aside` are the first of what is set aside."""

    position: int
    head: int
    backlog: Backlog
    set_aside: tuple[SetAside, ...]
    unread_positions: tuple[int, ...]

    @property
    def lag_events(self) -> int:
        """How many events are not known yet."""
        return max(0, self.head - self.position)


async def read_backlog(connection: AsyncConnection, now: datetime) -> Backlog:
    """Return what is to be done."""
    found = await connection.execute(_BACKLOG, {"now": now})
    row = await found.fetchone()
    assert row is not None
    return Backlog(*row)


def status(database_url: str, now: datetime) -> PoliciesStatus:
    """Return how far policies are.

    Raises:
        StoreUnavailable: the database does not answer, or has not been migrated.
    """
    try:
        with psycopg.connect(database_url, connect_timeout=5, autocommit=True) as connection:
            [(position, head)] = connection.execute(
                "SELECT p.position, h.position FROM policies.progress p, store.head h"
            ).fetchall()
            [backlog] = connection.execute(_BACKLOG, {"now": now}).fetchall()
            tasks = connection.execute(
                "SELECT key, position, due_at, try_at, reason FROM policies.tasks"
                " WHERE reason IS NOT NULL ORDER BY due_at, key LIMIT %s",
                [_MOST_SHOWN],
            ).fetchall()
            unread = connection.execute(
                "SELECT position FROM policies.unread_events ORDER BY position LIMIT %s", [_MOST_SHOWN]
            ).fetchall()
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
        raise StoreUnavailable(str(error)) from error
    return PoliciesStatus(
        position,
        head,
        Backlog(*backlog),
        tuple(SetAside(*task) for task in tasks),
        tuple(position for (position,) in unread),
    )
