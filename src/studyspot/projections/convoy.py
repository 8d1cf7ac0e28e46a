"""Builds of one process that go on together: what is ready at once is written in one transaction.

Seven read models follow the same events. A transaction of each cost far more than the few rows in it: to the
process, to PostgreSQL, and to the log's own commits, which share its processors.
"""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

import psycopg
import structlog
from psycopg import AsyncConnection

from studyspot.projections.connecting import connect
from studyspot.projections.steps import Step, take
from studyspot.projections.writing import RowsRefused

STEPS_EVERY = timedelta(milliseconds=15)
"""A step costs much the same however many events share it; what comes after a pause does not wait."""

HELD_UP_AFTER = timedelta(milliseconds=50)
"""Whoever's rows are locked for longer goes on apart, so that it holds nobody up."""

MOST_EVENTS = 200
"""A longer step goes apart: the rows of a build that catches up, a page at a time, would keep all others."""

RETRY_AFTER = timedelta(milliseconds=250)
_ANSWER_WITHIN_SECONDS = 5.0
_HELD_UP = f"{HELD_UP_AFTER // timedelta(milliseconds=1)}ms"

log = structlog.get_logger()


class Convoy:
    """Takes steps for whoever asks, over a connection of its own, those that are ready at once together.

    A step that it cannot take, for its own sake, another's or the database's, is left to who asked: nothing
    depends on the convoy but the cost. `connected` says whether it takes any now.
    """

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._ready: dict[str, tuple[Step, asyncio.Future[bool | None]]] = {}
        self._some = asyncio.Event()
        self.connected = False
        self._rests_until = 0.0
        self._task: asyncio.Task[None] | None = None

    async def rest(self) -> None:
        """Wait while the last steps are so recent that what comes should share the next ones."""
        left = self._rests_until - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)

    async def take(self, step: Step) -> bool | None:
        """Return whether the step was taken, or a rival was first; none where nobody knows.

        Then it is to be tried apart: if it was taken after all, the position says so.
        """
        name = step.build.name
        if not self.connected or name in self._ready or step.until - step.position > MOST_EVENTS:
            return None
        taken: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        self._ready[name] = (step, taken)
        self._some.set()
        return await taken

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="convoy")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        away = False
        while True:
            try:
                async with await connect(self._database_url, "studyspot projections") as connection:
                    await connection.execute("SELECT set_config('lock_timeout', %s, false)", [_HELD_UP])
                    self.connected, away = True, False
                    await self._go_on(connection)
            except (psycopg.Error, TimeoutError) as error:
                if not away:
                    log.warning("projections go on apart", reason=str(error).strip() or "no answer")
                away = True
            finally:
                self.connected = False
                self._leave()
            await asyncio.sleep(RETRY_AFTER.total_seconds())

    async def _go_on(self, connection: AsyncConnection) -> None:
        while True:
            await self._some.wait()
            # Those that were brought the same events are ready in the same turn of the loop.
            await asyncio.sleep(0)
            self._some.clear()
            ready, self._ready = self._ready, {}
            won: frozenset[str] | None = None
            try:
                async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
                    won = await take(connection, [ready[name][0] for name in sorted(ready)])
            except (RowsRefused, psycopg.Error) as error:
                if connection.closed:
                    raise
                log.debug(
                    "projections go on apart for a step", names=sorted(ready), reason=str(error).strip()
                )
            finally:
                self._rests_until = time.monotonic() + STEPS_EVERY.total_seconds()
                for name, (_, taken) in ready.items():
                    if not taken.done():
                        taken.set_result(None if won is None else name in won)

    def _leave(self) -> None:
        """Leave what is ready to those who asked."""
        ready, self._ready = self._ready, {}
        self._some.clear()
        for _, taken in ready.values():
            if not taken.done():
                taken.set_result(None)
