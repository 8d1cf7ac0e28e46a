"""Telling readers of new positions, apart from the transactions that reach them."""

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import Self

import psycopg
import structlog
from psycopg import AsyncConnection

from studyspot.event_store.connections import connect_async
from studyspot.projections.builds import CHANNEL, Build

RETRY_AFTER = timedelta(milliseconds=250)
_ANSWER_WITHIN_SECONDS = 5.0
_TELL = "SELECT pg_notify(%s, notice) FROM unnest(%s::text[]) AS notice"

log = structlog.get_logger()


class Announcer:
    """Sends notices over a connection of its own, those that gather while one is under way together.

    PostgreSQL commits one transaction with a notice at a time. Batches that carried their own would wait for
    the log's appends to reach the disk, and make the next append wait for them.

    A notice is only a hint: while the database is away, readers look for themselves.
    """

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._reached: dict[Build, int] = {}
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def tell(self, build: Build, position: int) -> None:
        """Let readers know soon that the build has reached the position."""
        self._reached[build] = position
        self._moved.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="announcer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        away = False
        while True:
            try:
                async with await connect_async(self._database_url, connect_timeout=2) as connection:
                    await connection.execute("SET synchronous_commit = off")
                    away = False
                    await self._tell_each(connection)
            except (psycopg.Error, TimeoutError) as error:
                if not away:
                    log.warning("readers are not told of positions", reason=str(error).strip() or "no answer")
                away = True
            await asyncio.sleep(RETRY_AFTER.total_seconds())

    async def _tell_each(self, connection: AsyncConnection) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            reached, self._reached = self._reached, {}
            notices = [
                f"{build.name} {build.version} {build.number} {position}"
                for build, position in reached.items()
            ]
            async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
                await connection.execute(_TELL, [CHANNEL, notices])
