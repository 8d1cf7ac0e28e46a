"""What the tests of the broker share: messages by position, and collecting them with a limit."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import timedelta

from nats.aio.client import Client
from nats.js import JetStreamContext

from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.stream import StreamMessage, ensure_stream, stream_state
from tests.engines import NatsServer

EPOCH = "k1"
PATIENCE = timedelta(seconds=20)
"""With a server that shares its machine with other tests."""
LIMIT = 60
"""Seconds; what has not come by then does not come."""


def message(position: int, *, size: int = 0, library: str | None = None) -> StreamMessage:
    """The message of a position, always the same; libraries take turns, L0 to L9."""
    subject = f"studyspot.booking.created.{library or f'L{position % 10}'}.s{position % 100}"
    return StreamMessage(position, subject, f"event {position}".encode().ljust(size))


def messages(first: int, last: int, *, size: int = 0) -> list[StreamMessage]:
    return [message(position, size=size) for position in range(first, last + 1)]


async def publish(nc: Client, wanted: Iterable[StreamMessage]) -> int:
    publisher = FencedPublisher(nc)
    try:
        return await publisher.publish(list(wanted), timeout=PATIENCE)
    finally:
        await publisher.close()


async def fill(nc: Client, js: JetStreamContext, last: int, *, size: int = 0) -> None:
    """Make the stream and put messages 1 to `last` into it."""
    await ensure_stream(js, epoch=EPOCH)
    await publish(nc, messages(1, last, size=size))


async def collect(batches: AsyncIterator[tuple[StreamMessage, ...]], last: int) -> list[StreamMessage]:
    """Everything that comes until position `last`, within a test's limit."""
    found: list[StreamMessage] = []
    async with asyncio.timeout(LIMIT):
        while not found or found[-1].position < last:
            found += await anext(batches)
    return found


async def until(condition: Callable[[], bool], *, limit: float = LIMIT) -> None:
    """Wait until `condition()` holds, at most `limit` seconds."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110  # What is awaited is beyond this loop.
            await asyncio.sleep(0.01)


async def last_position(js: JetStreamContext) -> int:
    state = await stream_state(js)
    assert state is not None
    return state.last_position


def lose_disk(server: NatsServer) -> None:
    """Kill the server and remove all that it stored."""
    server.kill()
    server.stop()
    shutil.rmtree(server.engine._store / "jetstream")
