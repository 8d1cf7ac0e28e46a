"""What stands before servers: a balancer, or a line that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle


class Forwarder:
    """Takes connections on `port`, and passes each on to the next of `targets` that takes it."""

    def __init__(self, targets: Sequence[int]) -> None:
        self.port = 0
        self._is_cut = False
        self._targets = cycle(targets)
        self._count = len(targets)
        self._links: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """End every connection, and take none until `mend`."""
        self._is_cut = True
        for end in self._links:
            end.transport.abort()

    def mend(self) -> None:
        self._is_cut = False

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = None if self._is_cut else await self._open()
        if onward is None:
            writer.transport.abort()
            return
        ends = {writer, onward[1]}
        self._links |= ends
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pass_on(reader, onward[1]))
                tasks.create_task(_pass_on(onward[0], writer))
        finally:
            self._links -= ends
            for end in ends:
                end.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in range(self._count):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", next(self._targets))
        return None


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def forwarder(*targets: int) -> AsyncIterator[Forwarder]:
    """A forwarder to these ports of this machine."""
    forwarder = Forwarder(targets)
    server = await asyncio.start_server(forwarder.forward, "127.0.0.1", 0)
    forwarder.port = server.sockets[0].getsockname()[1]
    try:
        yield forwarder
    finally:
        server.close()
        forwarder.cut()
        await server.wait_closed()
