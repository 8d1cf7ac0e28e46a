"""A TCP forwarder whose connections can be cut, as a train's tunnel cuts a phone's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

_CHUNK_BYTES = 64 * 1024


class Cuttable:
    """Forwards to one server; while it is cut, every connection is closed at once."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Drop every connection, and every one that is tried."""
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Let connections through again."""
        self._is_cut = False

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection in both directions until one side ends it."""
        if self._is_cut:
            writer.transport.abort()
            return
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            self._writers |= {writer, far_writer}
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_carry(reader, far_writer))
                    tasks.create_task(_carry(far_reader, writer))
            finally:
                self._writers -= {writer, far_writer}
        writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def cuttable(url: str) -> AsyncIterator[tuple[str, Cuttable]]:
    """Yield a URL that leads to `url`, and what cuts it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    wire = Cuttable(parts.hostname, parts.port)
    server = await asyncio.start_server(wire.forward, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{parts.scheme}://127.0.0.1:{port}", wire
    finally:
        server.close()
        wire.cut()
