"""The head of the log as it moves, for those who follow the log in an event loop."""

import asyncio
import re
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

import psycopg
import structlog
from psycopg.rows import TupleRow

from studyspot.event_store.batch import CHANNEL
from studyspot.event_store.connections import CONNECT_WITHIN, answered_within, connect_async
from studyspot.event_store.listening import Listener

POLL_EVERY = timedelta(milliseconds=250)
ANSWER_WITHIN = timedelta(seconds=2)
_POSITION = re.compile("[0-9]{1,18}")

log = structlog.get_logger()


class HeadSignal:
    """Knows the newest head: told by NOTIFY, and by asking where a notification may have been missed."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._position = 0
        self._listener = Listener(self._hear)
        self._task: asyncio.Task[None] | None = None

    @property
    def position(self) -> int:
        """The newest head known; 0 until the database has answered for the first time.

        While nobody looks or waits, it is as old as the last poll.
        """
        return self._position

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow(), name="head-signal")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def look(self) -> int:
        """Return the newest head that PostgreSQL has told of; only in the event loop."""
        self._listener.look()
        return self._position

    async def wait(self, beyond: int, timeout: timedelta) -> int:
        """Return the newest head known: as soon as it is greater than `beyond`, or else after `timeout`."""
        if self.look() > beyond:
            return self._position
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                while self.look() <= beyond:
                    await self._listener.wait()
        except TimeoutError:
            pass
        return self._position

    async def _follow(self) -> None:
        lost = False
        while True:
            try:
                connection = await connect_async(
                    self._database_url, connect_timeout=int(CONNECT_WITHIN.total_seconds())
                )
                async with connection:
                    async with answered_within(ANSWER_WITHIN):
                        await self._listener.subscribe(connection, CHANNEL)
                    if lost:
                        log.info("head signal regained")
                    lost = False
                    await self._listen(connection)
            except (psycopg.Error, TimeoutError) as error:
                if not lost:
                    log.warning("head signal lost", error=repr(error))
                lost = True
            await asyncio.sleep(POLL_EVERY.total_seconds())

    async def _listen(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        while True:
            async with answered_within(ANSWER_WITHIN):
                cursor = await connection.execute("SELECT position FROM store.head")
                [(position,)] = await cursor.fetchall()
            self._tell(position)
            await self._listener.listen(connection, POLL_EVERY)

    def _hear(self, payloads: list[str]) -> None:
        # Whoever is let into the database may notify of anything.
        told = [int(payload) for payload in payloads if _POSITION.fullmatch(payload)]
        if told:
            self._tell(told[-1])

    def _tell(self, position: int) -> None:
        if position != self._position:
            self._position = position
            self._listener.tell()
