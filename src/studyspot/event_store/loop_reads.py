"""Reads from event loops, on connections that the loop which asks watches itself.

A thread that reads for a loop must be handed the interpreter, twice, and wake the loop: docs/decisions/0020.
"""

import asyncio
import time
from collections import deque
from datetime import timedelta
from threading import Lock
from typing import Any, TypeVar

import psycopg

from studyspot.event_store.connections import READ_WITHIN
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.loop_connection import LoopConnection
from studyspot.event_store.reading import Query

Answer = TypeVar("Answer")

PAUSE = timedelta(milliseconds=50)
"""Before a database that was away is looked for again."""


class LoopReads:
    """At most `size` connections for each event loop that reads; no two loops share one."""

    def __init__(self, database_url: str, size: int) -> None:
        self._database_url = database_url
        self._size = size
        self._loops: dict[asyncio.AbstractEventLoop, _OneLoop] = {}
        self._changing = Lock()
        self._closed = False

    async def ask(self, query: Query[Answer]) -> Answer:
        """Return the answer, from another connection if one has died while it was idle.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        loop = asyncio.get_running_loop()
        reads = self._loops.get(loop) or self._begin(loop)
        return await reads.ask(query)

    def close(self) -> None:
        """Let go of every connection, of one that is being asked once it has answered; from any thread."""
        with self._changing:
            self._closed = True
            for reads in self._loops.values():
                reads.close()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> "_OneLoop":
        with self._changing:
            if self._closed:
                raise StoreUnavailable("the event store is closed")
            for ended in [each for each in self._loops if each.is_closed()]:
                self._loops.pop(ended).close()
            reads = self._loops[loop] = _OneLoop(self._database_url, self._size)
        return reads


class _OneLoop:
    """At most `size` connections, made when they are needed and kept; the one used last is used next."""

    def __init__(self, database_url: str, size: int) -> None:
        self._database_url = database_url
        self._turns = asyncio.Semaphore(size)
        self._idle: deque[LoopConnection] = deque()
        self._closed = False

    async def ask(self, query: Query[Answer]) -> Answer:
        """Return the answer, within `READ_WITHIN`.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        parameters = query.packed()
        deadline = time.monotonic() + READ_WITHIN.total_seconds() / 2
        try:
            async with asyncio.timeout(READ_WITHIN.total_seconds()), self._turns:
                while True:
                    try:
                        return query.answer(await self._rows(query.statement, parameters))
                    except psycopg.OperationalError as error:
                        if time.monotonic() >= deadline:
                            raise StoreUnavailable(str(error)) from error
                    if not self._idle:
                        await asyncio.sleep(PAUSE.total_seconds())
        except TimeoutError as error:
            raise StoreUnavailable("the read was not answered in time") from error
        except psycopg.Error as error:
            raise StoreUnavailable(str(error)) from error

    def close(self) -> None:
        """Let go of every connection that is idle, and of one that is asked when it is."""
        self._closed = True
        while (connection := self._an_idle_one()) is not None:
            connection.close()

    async def _rows(self, statement: str, parameters: dict[str, bytes]) -> list[tuple[Any, ...]]:
        if self._closed:
            raise StoreUnavailable("the event store is closed")
        connection = self._an_idle_one() or await LoopConnection.connect(self._database_url)
        try:
            return await connection.ask(statement, parameters)
        finally:
            if not connection.lost:
                self._idle.append(connection)
            if self._closed:
                self.close()

    def _an_idle_one(self) -> LoopConnection | None:
        """Take the connection that was used last; whoever has taken it, in any thread, has it alone."""
        try:
            return self._idle.pop()
        except IndexError:
            return None
