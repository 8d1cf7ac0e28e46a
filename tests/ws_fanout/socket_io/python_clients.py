"""Sockets of python-socketio's asyncio client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import socketio  # type: ignore[import-untyped]  # It has no types.

from tests.ws_fanout.live import LIMIT
from tests.ws_fanout.socket_io.told import Ear


class PythonClient:
    """One of them."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.ear = Ear()
        self._sio = socketio.AsyncClient(
            http_session=http,
            handle_sigint=False,
            reconnection_attempts=5,
            reconnection_delay=0.1,
            randomization_factor=0.05,
        )
        self._sio.on("connect", lambda: self.ear.hear("connect"))
        self._sio.on("connect_error", self._refused)
        self._sio.on("disconnect", lambda reason: self.ear.hear("disconnect", "", reason))
        self._sio.on("*", lambda name, *arguments: self.ear.hear("event", name, *arguments))

    async def open(self, port: int, with_token: str) -> None:
        with suppress(socketio.exceptions.ConnectionError):  # It is told by `connect_error` too.
            await self._sio.connect(
                f"http://127.0.0.1:{port}",
                auth={"token": with_token},
                transports=["websocket"],
                wait_timeout=LIMIT,
            )

    async def emit(self, name: str, *arguments: Any) -> None:
        await self._sio.emit(name, arguments)

    async def send_bytes(self, name: str) -> None:
        await self._sio.emit(name, b"123")

    async def ask(self, name: str, *arguments: Any) -> Any:
        return await self._sio.call(name, arguments, timeout=LIMIT)

    async def will_come_back(self) -> bool:
        return self._sio.connected or self._sio._reconnect_task is not None

    async def disconnect(self) -> None:
        await self._sio.disconnect()

    async def end(self) -> None:
        await self._sio.shutdown()

    def _refused(self, told: Any) -> None:
        # Its library hands over what the packet holds, as it is; or a text of its own.
        error = told if isinstance(told, dict) else {"message": told}
        self.ear.hear("connect_error", "", error["message"], error.get("data"))


@asynccontextmanager
async def python_client(port: int, with_token: str) -> AsyncIterator[PythonClient]:
    """A socket inside, which has connected or was refused."""
    async with aiohttp.ClientSession() as http:
        client = PythonClient(http)
        try:
            await client.open(port, with_token)
            yield client
        finally:
            await client.end()
