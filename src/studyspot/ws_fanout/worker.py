"""A worker, one of several processes of a fan-out: it tells its parent how it is, and ends with it.

A pair of sockets joins the two. All that goes over it are reports, a line each; its end is the parent's end,
however that came about: SIGKILL as well closes it, on every system.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from datetime import timedelta

import orjson
import structlog

from studyspot.telemetry import Readiness
from studyspot.ws_fanout.ending import end_tasks

REPORT_EVERY = timedelta(milliseconds=250)

log = structlog.get_logger()


def channel_to_parent() -> socket.socket:
    """Return this worker's end of the pair, which is its standard input.

    Raises:
        OSError: that is no socket; this process was not started as a worker.
    """
    return socket.socket(fileno=0)


@asynccontextmanager
async def reporting(
    channel: socket.socket, readiness: Callable[[], Readiness], *, on_parent_gone: Callable[[], None]
) -> AsyncIterator[None]:
    """Tell the parent how this worker is, inside; `on_parent_gone` is called when nobody listens any more."""
    reader, writer = await asyncio.open_unix_connection(sock=channel)
    try:
        async with asyncio.TaskGroup() as tasks:
            owned = [
                tasks.create_task(_report(writer, readiness)),
                tasks.create_task(_await_end(reader, on_parent_gone)),
            ]
            try:
                yield
            finally:
                await end_tasks(owned)
    finally:
        writer.close()


def read_report(line: bytes) -> Readiness:
    """Return what a worker has told."""
    return Readiness(**orjson.loads(line))


async def _report(writer: asyncio.StreamWriter, readiness: Callable[[], Readiness]) -> None:
    # Without a parent there is nobody to tell; whoever awaits its end acts on that.
    with suppress(ConnectionError):
        while True:
            writer.write(orjson.dumps(asdict(readiness())) + b"\n")
            await writer.drain()
            await asyncio.sleep(REPORT_EVERY.total_seconds())


async def _await_end(reader: asyncio.StreamReader, on_parent_gone: Callable[[], None]) -> None:
    with suppress(ConnectionError):
        await reader.read()
    log.warning("the parent is gone")
    on_parent_gone()
