"""Dropping what rebuilds and new versions have replaced, once nobody can be reading it any more."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

import psycopg
import structlog

from studyspot.event_store.connections import connect_async
from studyspot.projections.builds import drop_superseded
from studyspot.projections.projection import Projection

GRACE = timedelta(seconds=10)
"""Longer than any read takes."""

_LOOK_EVERY = timedelta(seconds=10)
_ANSWER_WITHIN_SECONDS = 30.0

log = structlog.get_logger()


class OldBuilds:
    """Drops the superseded builds of some projections, again and again, while it is entered."""

    def __init__(
        self, database_url: str, projections: Sequence[Projection], *, grace: timedelta = GRACE
    ) -> None:
        self._database_url = database_url
        self._projections = projections
        self._grace = grace
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="old-builds")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(min(_LOOK_EVERY, self._grace).total_seconds())
            try:
                async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
                    await self._drop()
            except psycopg.errors.UndefinedTable:
                continue  # No worker has made its tables yet.
            except (psycopg.Error, TimeoutError) as error:
                log.info("old tables are kept for now", reason=str(error).strip() or "no answer")

    async def _drop(self) -> None:
        async with await connect_async(self._database_url, connect_timeout=5) as connection:
            for projection in self._projections:
                await drop_superseded(connection, projection, grace=self._grace)
