"""Hearing PostgreSQL's notifications in an event loop, when somebody looks or waits for them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import AsyncConnection


class Listener:
    """Takes what a connection is notified of; while nobody looks or waits, it stays in the socket.

    At 500 events a second the log commits 200 times and more. Four processes hear of it, of which three are
    about to look only some milliseconds later. psycopg's own `notifies` also registers the socket with the
    loop, and sets a timer, for each of them.

    It outlives its connections; whoever waits meanwhile goes on waiting.
    """

    def __init__(self, hear: Callable[[list[str]], None]) -> None:
        """`hear` is called in the loop, with payloads in the order in which they were sent."""
        self._hear = hear
        self._connection: AsyncConnection[Any] | None = None
        self._ended: asyncio.Future[None] | None = None
        self._meanwhile: list[str] = []
        self._moved = asyncio.Event()
        self._waiting = 0
        self._watched: int | None = None

    async def subscribe(self, connection: AsyncConnection[Any], channel: str) -> None:
        """Let `connection` be notified of what is sent to `channel`."""
        self._meanwhile.clear()
        connection.add_notify_handler(lambda notice: self._meanwhile.append(notice.payload))
        await connection.execute(f"LISTEN {channel}".encode())

    async def listen(self, connection: AsyncConnection[Any], span: timedelta) -> None:
        """Hear over `connection` for `span`, and what came while something was asked over it before.

        Raises:
            psycopg.OperationalError: the connection is lost, as far as anybody has looked.
        """
        self._connection = connection
        self._ended = asyncio.get_running_loop().create_future()
        if self._meanwhile:
            payloads, self._meanwhile = self._meanwhile, []
            self._hear(payloads)
        if self._waiting:
            self._watch()
        try:
            await asyncio.wait([self._ended], timeout=span.total_seconds())
            if self._ended.done():
                self._ended.result()
        finally:
            self._let_go()

    def look(self) -> None:
        """Hear what has come."""
        if self._connection is None:
            return
        server = self._connection.pgconn
        payloads: list[str] = []
        try:
            server.consume_input()
            while (notice := server.notifies()) is not None:
                payloads.append(notice.extra.decode())
        except psycopg.OperationalError as error:
            assert self._ended is not None
            self._let_go()
            if not self._ended.done():
                self._ended.set_exception(error)
        if payloads:
            self._hear(payloads)

    async def wait(self) -> None:
        """Wait until `tell`; what comes meanwhile is heard."""
        self._waiting += 1
        try:
            self._watch()
            await self._moved.wait()
        finally:
            self._waiting -= 1

    def tell(self) -> None:
        """Wake whoever waits."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def end(self) -> None:
        """Let `listen` return before its time."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _watch(self) -> None:
        if self._connection is not None and self._watched is None:
            self._watched = self._connection.fileno()
            asyncio.get_running_loop().add_reader(self._watched, self._readable)

    def _readable(self) -> None:
        if self._waiting:
            self.look()
        else:
            self._look_away()

    def _look_away(self) -> None:
        if self._watched is not None:
            asyncio.get_running_loop().remove_reader(self._watched)
            self._watched = None

    def _let_go(self) -> None:
        self._look_away()
        self._connection = None
