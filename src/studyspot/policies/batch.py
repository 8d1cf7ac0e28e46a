"""What many changes amount to, so that it takes few statements, however many events there were."""

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

import orjson
from psycopg import AsyncConnection

from studyspot.policies.fold import Cleared, Drop, Moved, Over, Plan, Stands
from studyspot.policies.line import (
    Freed,
    LineChange,
    Offered,
    SeatGone,
    SeatIs,
    SeatServes,
    Waits,
    WaitsNoMore,
)
from studyspot.policies.line_tables import LineBatch
from studyspot.policies.tasks import Task

_OVER = "DELETE FROM policies.occupations WHERE subject = ANY(%s)"
# What a student is told of the end itself stays to be told.
_NOTHING_MORE = (
    "DELETE FROM policies.tasks WHERE subject = ANY(%s) AND (kind <> 'send-notice' OR ground IS NOT NULL)"
)
_VOID = "DELETE FROM policies.tasks WHERE subject = ANY(%s) AND ground IS NOT NULL"
_DROP = "DELETE FROM policies.tasks WHERE key = ANY(%s)"
_CLEARED = "DELETE FROM policies.tasks WHERE ground = ANY(%s)"
_STANDS = """
INSERT INTO policies.occupations (subject, library_id, seat_id, user_id, start_at, end_at)
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS given(
    subject text, library_id text, seat_id text, user_id text, start_at timestamptz, end_at timestamptz
)
ON CONFLICT (subject) DO UPDATE SET seat_id = excluded.seat_id, start_at = excluded.start_at,
    end_at = excluded.end_at
"""
_PLAN = """
INSERT INTO policies.tasks (key, position, kind, subject, due_at, try_at, ground, notice)
SELECT key, position, kind, subject, due_at, due_at, ground, notice
FROM jsonb_to_recordset(%s::jsonb) AS planned(
    key text, position bigint, kind text, subject text, due_at timestamptz, ground text, notice jsonb
)
ON CONFLICT (key) DO UPDATE SET position = excluded.position, due_at = excluded.due_at,
    try_at = excluded.try_at, notice = excluded.notice, failures = 0, reason = NULL
"""


class Batch:
    """Changes in their order, and what is left of them: what goes, and then what stands and is planned.

    In the tables, whatever goes is gone before anything is put: what is added here is never taken away by
    something older, and what takes it away later takes it out of here as well.
    """

    def __init__(self) -> None:
        self._over: set[str] = set()
        self._moved: set[str] = set()
        self._dropped: set[str] = set()
        self._cleared: set[str] = set()
        self._stands: dict[str, Stands] = {}
        self._plans: dict[str, Task] = {}
        self._keys_of: dict[str, set[str]] = {}
        self._lines = LineBatch()

    def add(self, change: Stands | Over | Moved | Plan | Drop | Cleared | LineChange) -> None:
        """Add what comes after all that was added before."""
        match change:
            case Stands(subject=subject):
                self._stands[subject] = change
            case Over(subject):
                self._over.add(subject)
                self._stands.pop(subject, None)
                for key, task in self._planned_for(subject):
                    if task.kind != "send-notice" or task.ground is not None:
                        del self._plans[key]
            case Moved(subject):
                self._moved.add(subject)
                for key, task in self._planned_for(subject):
                    if task.ground is not None:
                        del self._plans[key]
            case Plan(task):
                self._plan(task)
            case Drop(key):
                self._dropped.add(key)
                self._plans.pop(key, None)
            case Cleared(ground):
                self._cleared.add(ground)
                self._plans = {key: task for key, task in self._plans.items() if task.ground != ground}
            case Waits() | Offered() | WaitsNoMore() | SeatIs() | SeatServes() | SeatGone() | Freed():
                self._lines.add(change)
            case _ as unreachable:
                assert_never(unreachable)

    async def write(self, connection: AsyncConnection) -> None:
        """Change the tables; a pipeline makes it one wait.

        Raises:
            psycopg.Error: the database is away, or refuses a row.
        """
        going = (
            (_OVER, self._over),
            (_NOTHING_MORE, self._over),
            (_VOID, self._moved),
            (_DROP, self._dropped),
            (_CLEARED, self._cleared),
        )
        for statement, named in going:
            if named:
                await connection.execute(statement, [list(named)])
        if self._stands:
            await connection.execute(_STANDS, [_json(_place(one) for one in self._stands.values())])
        if self._plans:
            await connection.execute(_PLAN, [_json(_row(task) for task in self._plans.values())])
        await self._lines.write(connection)

    def _plan(self, task: Task) -> None:
        self._plans[task.key] = task
        self._keys_of.setdefault(task.subject, set()).add(task.key)

    def _planned_for(self, subject: str) -> list[tuple[str, Task]]:
        keys = self._keys_of.get(subject, ())
        return [(key, self._plans[key]) for key in keys if key in self._plans]


def _place(stands: Stands) -> dict[str, Any]:
    return {
        "subject": stands.subject,
        "library_id": stands.library_id,
        "seat_id": stands.seat_id,
        "user_id": stands.user_id,
        "start_at": stands.start,
        "end_at": stands.end,
    }


def _row(task: Task) -> dict[str, Any]:
    return {
        "key": task.key,
        "position": task.position,
        "kind": task.kind,
        "subject": task.subject,
        "due_at": task.due_at,
        "ground": task.ground,
        "notice": task.notice,
    }


def _json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as one parameter: as arrays, they took a quarter of the process's time."""
    return orjson.dumps(list(rows)).decode()
