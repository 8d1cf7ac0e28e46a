"""Sockets of the portals' own client, on Node."""

import asyncio
import itertools
import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from tests.ws_fanout.socket_io.clients import Opened
from tests.ws_fanout.socket_io.javascript import HERE, JavaScript
from tests.ws_fanout.socket_io.told import Ear

PORTALS_OPTIONS = {"transports": ["websocket", "polling"], "reconnectionAttempts": 5}
"""As portals have them, beside `auth`."""

SOON = {"reconnectionDelay": 200, "reconnectionDelayMax": 1000, "reconnectionAttempts": 60}
"""Milliseconds to the first attempt, twice as many to each further one; by default it is a second or so.

What they come back to may take longer than portals try.
"""

_LINE_BYTES = 2**20
_END_SECONDS = 10


@dataclass(frozen=True, slots=True)
class NodeProcess:
    """A process of Node that opens sockets for whoever connects to `port`."""

    pid: int
    port: int


@contextmanager
def node_process(javascript: JavaScript) -> Iterator[NodeProcess]:
    """Run it inside."""
    process = subprocess.Popen(
        [javascript.node, HERE / "client.cjs"],
        env=os.environ | {"NODE_PATH": str(javascript.packages)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            yield NodeProcess(process.pid, int(process.stdout.readline()))
        finally:
            process.kill()
            process.wait(_END_SECONDS)


class NodeClient:
    """One socket."""

    def __init__(self, order: Callable[..., None]) -> None:
        self.ear = Ear()
        self._order = order

    async def emit(self, name: str, *arguments: Any) -> None:
        self._order("emit", name=name, args=arguments)

    async def send_bytes(self, name: str) -> None:
        self._order("bytes", name=name)

    async def ask(self, name: str, *arguments: Any) -> Any:
        return await self._answered("ask", name=name, args=arguments)

    async def will_come_back(self) -> bool:
        return bool(await self._answered("state"))

    async def disconnect(self) -> None:
        self._order("disconnect")

    async def renew(self, with_token: str) -> None:
        """Connect again, which it would not do by itself, with another token."""
        self._order("renew", token=with_token)
        self._order("connect")

    async def _answered(self, what: str, **more: Any) -> Any:
        question = secrets.token_hex(4)
        self._order(what, question=question, **more)
        answer = await self.ear.until(lambda told: (told.kind, told.name) == ("answer", question))
        (given,) = answer.arguments
        return given


class NodeClients:
    """Sockets of one test."""

    def __init__(self, process: NodeProcess, writer: asyncio.StreamWriter) -> None:
        self.process = process
        self._writer = writer
        self._numbers = itertools.count(1)
        self._clients: dict[int, NodeClient] = {}

    def open(self, port: int, with_token: str, **options: Any) -> NodeClient:
        """Open a socket with the portals' options, and others."""
        number = next(self._numbers)

        def order(what: str, **more: Any) -> None:
            self._writer.write(orjson.dumps({"do": what, "socket": number, **more}) + b"\n")

        client = self._clients[number] = NodeClient(order)
        given = {"auth": {"token": with_token}, **PORTALS_OPTIONS, **options}
        order("open", url=f"http://127.0.0.1:{port}", options=given)
        return client

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Hand on what the sockets are told."""
        while line := await reader.readline():
            said = orjson.loads(line)
            self._clients[said["socket"]].ear.hear(said["kind"], said["name"], *said["args"])


@asynccontextmanager
async def node_clients(process: NodeProcess) -> AsyncIterator[NodeClients]:
    """Sockets that are there until the end of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port, limit=_LINE_BYTES)
    clients = NodeClients(process, writer)
    listening = asyncio.create_task(clients.listen(reader))
    try:
        yield clients
    finally:
        # The sockets go with the line.
        writer.close()
        await listening


def opened_by_node(clients: NodeClients) -> Opened:
    @asynccontextmanager
    async def opened(port: int, with_token: str) -> AsyncIterator[NodeClient]:
        client = clients.open(port, with_token, **SOON)
        try:
            yield client
        finally:
            await client.disconnect()

    return opened
