"""A client of Socket.IO that writes its packets itself, as none of the libraries does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from tests.ws_fanout.live import LIMIT

_CONNECT, _EVENT = "40", "42"


class RawClient:
    """One connection, packet by packet."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def connect(self, **auth: Any) -> str:
        """Connect, and return the `pid` under which the connection is remembered."""
        await self._connection.send(_CONNECT + orjson.dumps(auth).decode())
        answer: dict[str, str] = orjson.loads(await self._receive(_CONNECT))
        return answer["pid"]

    async def events_until(self, name: str) -> list[str]:
        """Return the names of the events up to and with the first one of this name, positions left out."""
        names: list[str] = []
        while name not in names:
            event, *_ = orjson.loads(await self._receive(_EVENT))
            if event != "position":
                names.append(event)
        return names

    async def _receive(self, kind: str) -> str:
        async with asyncio.timeout(LIMIT):
            while True:
                packet = await self._connection.recv()
                assert isinstance(packet, str)
                if packet.startswith(kind):
                    return packet.removeprefix(kind)


@asynccontextmanager
async def raw_client(port: int) -> AsyncIterator[RawClient]:
    url = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
    async with connect(url, close_timeout=1) as connection:
        yield RawClient(connection)
