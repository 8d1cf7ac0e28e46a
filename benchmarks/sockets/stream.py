"""The stream of a benchmark: events are published into it as the relay does, and who reads it is counted."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg

from benchmarks.sockets.events import Happening
from studyspot.broker.connection import connect
from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.stream import STREAM, ensure_stream

EPOCH = "benchmark"
LIMIT = timedelta(seconds=30)
_CONSUMER_MADE = f"$JS.EVENT.ADVISORY.CONSUMER.CREATED.{STREAM}.>"


class Stream:
    """The stream, and its only publisher, on a loop in a thread of its own.

    Attributes:
        reads: how many consumers were made on it, which is how often it was read from somewhere.
        published: how many events the last `publishing` stored.
    """

    def __init__(self) -> None:
        self.reads = 0
        self.published = 0
        # The loop that the relay has, too.
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stream", daemon=True)
        self._nc: Client | None = None
        self._publisher: FencedPublisher | None = None
        self._handed: list[Happening] = []
        self._handed_some = asyncio.Event()
        self._relaying: asyncio.Task[None] | None = None

    def publish(self, happenings: Sequence[Happening]) -> None:
        """Publish events as fast as they are taken; return when all are stored."""
        self._wait(self._publish(happenings))

    def hand_over(self, happenings: Sequence[Happening]) -> None:
        """Let events follow those before, as the relay does: all that there are when it has done the last.

        Nothing is waited for.
        """
        assert self._relaying is not None
        if self._relaying.done():
            self._relaying.result()
        self._loop.call_soon_threadsafe(self._take, happenings)

    @contextmanager
    def publishing(self, happenings: Sequence[Happening], *, per_second: float) -> Iterator[None]:
        """Publish events steadily while this is entered, and no more of them afterwards.

        Raises:
            ValueError: there were too few of them.
        """
        self.published = 0
        ended = asyncio.Event()
        work = self._publish_steadily(happenings, per_second, ended)
        publishing = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(ended.set)
            publishing.result(LIMIT.total_seconds())
        if self.published == len(happenings):
            raise ValueError(f"more than {len(happenings)} events were wanted")

    def begin(self, nats_url: str) -> None:
        """Make the stream, and listen for who reads it."""
        self._thread.start()
        self._wait(self._begin(nats_url))

    def end(self) -> None:
        """Leave the server."""
        self._wait(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT.total_seconds())
        self._loop.close()

    async def _begin(self, nats_url: str) -> None:
        self._nc = await connect(nats_url, name="benchmark")
        await ensure_stream(self._nc.jetstream(), epoch=EPOCH)
        await self._nc.subscribe(_CONSUMER_MADE, cb=self._count)
        self._publisher = FencedPublisher(self._nc)
        self._relaying = asyncio.create_task(self._relay())

    async def _end(self) -> None:
        if self._relaying is not None:
            self._relaying.cancel()
            await asyncio.wait([self._relaying])
        if self._nc is not None:
            await self._nc.close()

    def _take(self, happenings: Sequence[Happening]) -> None:
        self._handed += happenings
        self._handed_some.set()

    async def _relay(self) -> None:
        while True:
            await self._handed_some.wait()
            self._handed_some.clear()
            handed, self._handed = self._handed, []
            await self._publish(handed)

    async def _publish(self, happenings: Sequence[Happening]) -> None:
        assert self._publisher is not None
        await self._publisher.publish([happening.message for happening in happenings])

    async def _publish_steadily(
        self, happenings: Sequence[Happening], per_second: float, ended: asyncio.Event
    ) -> None:
        began = self._loop.time()
        for number, happening in enumerate(happenings):
            await asyncio.sleep(max(0.0, began + number / per_second - self._loop.time()))
            if ended.is_set():
                return
            await self._publish([happening])
            self.published += 1

    async def _count(self, _: Msg) -> None:
        self.reads += 1

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT.total_seconds())


@contextmanager
def stream_at(nats_url: str) -> Iterator[Stream]:
    """Make the stream on a server, and leave it at the end."""
    stream = Stream()
    stream.begin(nats_url)
    try:
        yield stream
    finally:
        stream.end()
