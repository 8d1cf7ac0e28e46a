"""A way to PostgreSQL on which one thing that is asked is never heard, and the connection stays open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

CHUNK_BYTES = 1 << 16


@asynccontextmanager
async def swallowing(database_url: str, asked: bytes) -> AsyncIterator[str]:
    """The URL of the database where the first statement that holds `asked` is swallowed."""
    parts = urlsplit(database_url)
    left = [asked]

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if left and left[0] in chunk:
                left.clear()
                continue
            writer.write(chunk)
        writer.close()

    async def serve(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(parts.hostname, parts.port)
        async with asyncio.TaskGroup() as ways:
            ways.create_task(forward(from_client, to_server))
            ways.create_task(forward(from_server, to_client))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()
    assert not left
