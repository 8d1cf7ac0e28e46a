"""What the broker has brought to one projection and it has not looked at yet."""

import asyncio
from datetime import timedelta

from studyspot.broker.stream import StreamMessage

MOST_MESSAGES = 4000


class Inbox:
    """A bounded number of messages, oldest first; those that find no room are read from the log instead."""

    def __init__(self) -> None:
        self._messages: list[StreamMessage] = []
        self._some = asyncio.Event()

    def put(self, batch: tuple[StreamMessage, ...]) -> None:
        """Keep the batch where there is room: a slow projection must not delay the others."""
        if batch and len(self._messages) + len(batch) <= MOST_MESSAGES:
            self._messages += batch
            self._some.set()

    async def next(self, timeout: timedelta) -> tuple[StreamMessage, ...]:
        """Return all that has come, as soon as anything has; nothing when nothing comes within `timeout`."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._some.wait()
        except TimeoutError:
            return ()
        return self.take()

    def take(self) -> tuple[StreamMessage, ...]:
        """Return all that has come."""
        taken, self._messages = tuple(self._messages), []
        self._some.clear()
        return taken
