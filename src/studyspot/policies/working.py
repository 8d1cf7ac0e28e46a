"""Doing what is due: each task is a command that its decider makes happen once, however often it is tried."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from psycopg import AsyncConnection

from studyspot.catalogue.codec import UnreadableEvent
from studyspot.domain.refusals import Refusal
from studyspot.event_store.errors import StoreError
from studyspot.policies.commanding import Commanding
from studyspot.policies.metrics import observe_task
from studyspot.policies.outages import PASSING
from studyspot.policies.reasons import reason_of
from studyspot.policies.tasks import Notice, Task

CHUNK = 128
"""Tasks taken at once: a closure with thousands of bookings never keeps the log waiting for long."""

AT_ONCE = 32
"""Commands that run beside each other."""

CHUNK_LIMIT = timedelta(seconds=5)
FIRST_RETRY = timedelta(seconds=1)
LAST_RETRY = timedelta(minutes=1)
SET_ASIDE_RETRY = timedelta(minutes=15)

# Who takes a task holds its row until it is done; a rival takes others meanwhile.
_TAKE = """
SELECT key, position, kind, subject, due_at, ground, notice, failures FROM policies.tasks
WHERE try_at <= %s ORDER BY try_at, position LIMIT %s FOR UPDATE SKIP LOCKED
"""
_DONE = "DELETE FROM policies.tasks WHERE key = ANY(%s)"
_FAILED = """
UPDATE policies.tasks SET try_at = %s, failures = failures + 1, reason = %s WHERE key = %s
"""
_AGAIN = "UPDATE policies.tasks SET due_at = %s, try_at = %s, failures = 0 WHERE key = %s"
_NEXT = "SELECT min(try_at) FROM policies.tasks"
_TRY_SET_ASIDE = "UPDATE policies.tasks SET try_at = due_at, reason = NULL WHERE reason IS NOT NULL"

Outcome = Literal["done", "void", "goes-on", "put-off", "set-aside"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a task, after how many failures before; `reason` where it failed.

    One that goes on is run again at `again_at`.
    """

    task: Task
    outcome: Outcome
    failures: int
    reason: str | None = None
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Worked:
    """How many tasks were tried, and how many of them cannot be done now."""

    tried: int
    put_off: int


class Workman:
    """Takes due tasks and runs their commands; what fails never keeps another from being done."""

    def __init__(
        self, connection: AsyncConnection, commanding: Commanding, now: Callable[[], datetime]
    ) -> None:
        self._connection = connection
        self._commanding = commanding
        self._now = now

    async def next_due(self) -> datetime | None:
        """Return when the next task is due, or is tried again."""
        found = await self._connection.execute(_NEXT)
        row = await found.fetchone()
        assert row is not None
        due: datetime | None = row[0]
        return due

    async def try_set_aside(self) -> None:
        """Let what is set aside be tried now: a newer release may do better."""
        await self._connection.execute(_TRY_SET_ASIDE)

    async def work(self) -> Worked:
        """Do the oldest due tasks, at most `CHUNK`, and return what came of them.

        Raises:
            psycopg.OperationalError: the database is away; what was done is void when it is tried again.
        """
        async with self._connection.transaction():
            found = await self._connection.execute(_TAKE, [self._now(), CHUNK])
            rows = await found.fetchall()
            if not rows:
                return Worked(0, 0)
            tried = await self._try_all([(_task(*row[:-1]), row[-1]) for row in rows])
            over = [one.task.key for one in tried if one.outcome in ("done", "void")]
            await self._connection.execute(_DONE, [over])
            for one in tried:
                if one.outcome == "goes-on":
                    await self._connection.execute(_AGAIN, [one.again_at, one.again_at, one.task.key])
                elif one.outcome in ("put-off", "set-aside"):
                    again = self._now() + _retry_after(one)
                    reason = one.reason if one.outcome == "set-aside" else None
                    await self._connection.execute(_FAILED, [again, reason, one.task.key])
        for one in tried:
            observe_task(one.task.kind, one.outcome)
        put_off = [one for one in tried if one.outcome == "put-off"]
        if put_off:
            # One line, however many: they wait for the same thing.
            log.warning(
                "tasks put off", tasks=len(put_off), first=put_off[0].task.key, reason=put_off[0].reason
            )
        return Worked(len(tried), len(put_off))

    async def _try_all(self, taken: list[tuple[Task, int]]) -> list[Tried]:
        by_subject: dict[str, list[tuple[Task, int]]] = {}
        for task, failures in sorted(taken, key=lambda one: (one[0].due_at, one[0].position)):
            by_subject.setdefault(task.subject, []).append((task, failures))
        slots = asyncio.Semaphore(AT_ONCE)
        until = asyncio.get_running_loop().time() + CHUNK_LIMIT.total_seconds()
        async with asyncio.TaskGroup() as running:
            ran = [
                running.create_task(self._try_in_order(tasks, slots, until)) for tasks in by_subject.values()
            ]
        return [tried for one in ran for tried in one.result()]

    async def _try_in_order(
        self, tasks: list[tuple[Task, int]], slots: asyncio.Semaphore, until: float
    ) -> list[Tried]:
        """Do what concerns one hold or booking in the order in which it was due."""
        done = []
        async with slots:
            for task, failures in tasks:
                done.append(await self._try(task, failures, until))
        return done

    async def _try(self, task: Task, failures: int, until: float) -> Tried:
        try:
            async with asyncio.timeout_at(until):
                ran = await self._commanding.run(task, self._now())
        except PASSING as error:
            return Tried(task, "put-off", failures, reason_of(error))
        except (Refusal, StoreError, UnreadableEvent) as error:
            return _set_aside(task, failures, error)
        except Exception as error:
            # Whatever it is, it is this task's alone.
            log.exception("task failed", task=task.key)
            return _set_aside(task, failures, error)
        if ran.again_at is not None:
            return Tried(task, "goes-on", failures, again_at=ran.again_at)
        return Tried(task, "done" if ran.changed else "void", failures)


def _set_aside(task: Task, failures: int, error: Exception) -> Tried:
    reason = reason_of(error)
    log.error("task set aside", task=task.key, position=task.position, reason=reason)
    return Tried(task, "set-aside", failures, reason)


def _retry_after(tried: Tried) -> timedelta:
    if tried.outcome == "set-aside":
        return SET_ASIDE_RETRY
    doubled: timedelta = FIRST_RETRY * (1 << min(tried.failures, 10))
    return min(doubled, LAST_RETRY)


def _task(
    key: str,
    position: int,
    kind: Any,
    subject: str,
    due_at: datetime,
    ground: str | None,
    notice: dict[str, Any] | None,
) -> Task:
    return Task(
        key=key,
        position=position,
        kind=kind,
        subject=subject,
        due_at=due_at,
        ground=ground,
        notice=Notice(**notice) if notice is not None else None,
    )
