"""The town's installation in a thread of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.access.installation import an_installation
from tests.access.people import Town

BEGIN_SECONDS = 60
END_SECONDS = 30


class _Running:
    def __init__(self, database_url: str) -> None:
        self.begun = threading.Event()
        self.town: Town | None = None
        self._database_url = database_url
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self.begun.set()

    def end(self) -> None:
        if self._loop is not None and self._over is not None:
            self._loop.call_soon_threadsafe(self._over.set)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with an_installation(self._database_url) as town:
            self.town = town
            self.begun.set()
            await self._over.wait()


@contextmanager
def a_running_town(database_url: str) -> Iterator[Town]:
    """Serve the town until the end of the block."""
    running = _Running(database_url)
    thread = threading.Thread(target=running.run, name="town")
    thread.start()
    try:
        assert running.begun.wait(BEGIN_SECONDS), "the town did not come up"
        assert running.town is not None, "the town failed while it came up"
        yield running.town
    finally:
        running.end()
        thread.join(END_SECONDS)
        assert not thread.is_alive(), "the town did not end"
