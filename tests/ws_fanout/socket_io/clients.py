"""Applications with real Socket.IO clients: the portals' own on Node, and Python's."""

import asyncio
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol

import aiohttp
import orjson
import socketio  # type: ignore[import-untyped]  # It has no types.

from studyspot.domain.people import Role
from tests.ws_fanout.people import token
from tests.ws_fanout.socket_io.javascript import HERE, JavaScript
from tests.ws_fanout.socket_io.told import Ear

PORTALS_OPTIONS = {"transports": ["websocket", "polling"], "reconnectionAttempts": 5}
"""As portals have them, beside `auth`."""

_LINE_BYTES = 2**20


class Client(Protocol):
    """A socket of some client library; `ear` has what it was told."""

    ear: Ear

    async def emit(self, name: str, *arguments: Any) -> None:
        """Send an event that asks for no answer."""

    async def ask(self, name: str, *arguments: Any) -> Any:
        """Send an event, and return what its acknowledgement holds."""

    async def send_bytes(self, name: str) -> None:
        """Send an event that carries bytes, which Socket.IO sends in messages of their own."""

    async def will_come_back(self) -> bool:
        """Say whether the library means to connect again by itself."""

    async def disconnect(self) -> None:
        """Go, for good."""

    async def cut(self) -> None:
        """Lose the connection, as where a line is cut."""


Opened = Callable[..., AbstractAsyncContextManager[Client]]
"""Opens a client's socket at a port with a token; it has yet to connect."""


class NodeClient:
    """A socket of the portals' own client."""

    def __init__(self, number: int, order: Callable[[dict[str, Any]], None]) -> None:
        self.ear = Ear()
        self._number = number
        self._order = order

    async def emit(self, name: str, *arguments: Any) -> None:
        self.order("emit", name=name, args=arguments)

    async def send_bytes(self, name: str) -> None:
        self.order("bytes", name=name)

    async def ask(self, name: str, *arguments: Any) -> Any:
        return await self._answered("ask", name=name, args=arguments)

    async def will_come_back(self) -> bool:
        return bool(await self._answered("state"))

    async def disconnect(self) -> None:
        self.order("disconnect")

    async def cut(self) -> None:
        self.order("cut")

    async def renew(self, with_token: str) -> None:
        self.order("renew", token=with_token)
        self.order("connect")

    def order(self, what: str, **more: Any) -> None:
        self._order({"do": what, "socket": self._number, **more})

    async def _answered(self, what: str, **more: Any) -> Any:
        question = secrets.token_hex(4)
        self.order(what, question=question, **more)
        answer = await self.ear.until(lambda told: (told.kind, told.name) == ("answer", question))
        (given,) = answer.arguments
        return given


class NodeClients:
    """A process of Node with any number of sockets."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self._process = process
        self._numbers = itertools.count(1)
        self._sockets: dict[int, NodeClient] = {}

    def open(self, port: int, with_token: str, **options: Any) -> NodeClient:
        client = NodeClient(next(self._numbers), self._order)
        self._sockets[client._number] = client
        given = {"auth": {"token": with_token}, **PORTALS_OPTIONS, **options}
        client.order("open", url=f"http://127.0.0.1:{port}", options=given)
        return client

    def _order(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps(order) + b"\n")

    async def listen(self) -> None:
        """Hand on what the sockets are told, until the process ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = orjson.loads(line)
            self._sockets[said["socket"]].ear.hear(said["kind"], said["name"], *said["args"])


@asynccontextmanager
async def node_clients(javascript: JavaScript) -> AsyncIterator[NodeClients]:
    """Run the process inside."""
    process = await asyncio.create_subprocess_exec(
        *(str(javascript.node), str(HERE / "client.cjs")),
        env=os.environ | {"NODE_PATH": str(javascript.packages)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )
    clients = NodeClients(process)
    listening = asyncio.create_task(clients.listen())
    try:
        yield clients
    finally:
        process.kill()
        await process.wait()
        await listening


class PythonClient:
    """A socket of python-socketio's asyncio client."""

    def __init__(self, http: aiohttp.ClientSession, **options: Any) -> None:
        self.ear = Ear()
        self._sio = socketio.AsyncClient(
            http_session=http, handle_sigint=False, reconnection_attempts=5, **options
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
                wait_timeout=10,
            )

    async def emit(self, name: str, *arguments: Any) -> None:
        await self._sio.emit(name, arguments)

    async def send_bytes(self, name: str) -> None:
        await self._sio.emit(name, b"123")

    async def ask(self, name: str, *arguments: Any) -> Any:
        return await self._sio.call(name, arguments, timeout=10)

    async def will_come_back(self) -> bool:
        return self._sio.connected or self._sio._reconnect_task is not None

    async def disconnect(self) -> None:
        await self._sio.disconnect()

    async def cut(self) -> None:
        self._sio.eio.ws._response.connection.transport.abort()

    async def end(self) -> None:
        await self._sio.shutdown()

    def _refused(self, told: Any) -> None:
        # Its library hands over what the packet holds, as it is; or a text of its own.
        error = told if isinstance(told, dict) else {"message": told}
        self.ear.hear("connect_error", "", error["message"], error.get("data"))


@asynccontextmanager
async def python_client(port: int, with_token: str) -> AsyncIterator[PythonClient]:
    async with aiohttp.ClientSession() as http:
        client = PythonClient(http, reconnection_delay=0.1, randomization_factor=0.05)
        try:
            await client.open(port, with_token)
            yield client
        finally:
            await client.end()


def node_client(clients: NodeClients) -> Opened:
    @asynccontextmanager
    async def opened(port: int, with_token: str) -> AsyncIterator[NodeClient]:
        client = clients.open(port, with_token, reconnectionDelay=100)
        yield client
        client.order("disconnect")

    return opened


@asynccontextmanager
async def connected(
    opened: Opened, port: int, user: str, role: Role = "student", *, libraries: tuple[str, ...] = ()
) -> AsyncIterator[Client]:
    """A socket that has connected, and joined the rooms of these libraries."""
    async with opened(port, token(user, role)) as client:
        await client.ear.until_kind("connect")
        for library in libraries:
            assert (await client.ask("join:library", library))["ok"] is True
        yield client
