"""What the broker has brought to one projection and it has not looked at yet."""

import asyncio
from datetime import timedelta

from studyspot.broker.stream import StreamMessage

MOST_BATCHES = 8


class Inbox:
    """A few batches of messages, oldest first; those that find no room are read from the log instead."""

    def __init__(self) -> None:
        self._batches: asyncio.Queue[tuple[StreamMessage, ...]] = asyncio.Queue(MOST_BATCHES)

    def put(self, batch: tuple[StreamMessage, ...]) -> None:
        """Keep the batch where there is room: a slow projection must not delay the others."""
        if not self._batches.full():
            self._batches.put_nowait(batch)

    async def next(self, timeout: timedelta) -> tuple[StreamMessage, ...]:
        """Return all that has come, as soon as anything has; nothing when nothing comes within `timeout`."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                first = await self._batches.get()
        except TimeoutError:
            return ()
        return (*first, *self.take())

    def take(self) -> tuple[StreamMessage, ...]:
        """Return all that has come."""
        taken: list[StreamMessage] = []
        while not self._batches.empty():
            taken += self._batches.get_nowait()
        return tuple(taken)
