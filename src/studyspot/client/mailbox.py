"""A bounded queue that can end: a slow reader holds its writer back, and loses nothing."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

Letter = TypeVar("Letter")


class Mailbox(Generic[Letter]):
    """At most `size` letters wait; `put` waits for room."""

    def __init__(self, size: int) -> None:
        self.ended = False
        self._size = size
        self._reason: Exception | None = None
        self._letters: deque[Letter] = deque()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._has_news = asyncio.Event()

    async def put(self, letter: Letter) -> None:
        """Add a letter once there is room; after the end it is dropped."""
        while not self.ended and len(self._letters) >= self._size:
            self._has_room.clear()
            await self._has_room.wait()
        if not self.ended:
            self._letters.append(letter)
            self._has_news.set()

    async def get(self) -> Letter | None:
        """Take the oldest letter once there is one; none after the end.

        Raises:
            Exception: the reason of the end, once every letter has been taken.
        """
        while not self._letters and not self.ended:
            self._has_news.clear()
            await self._has_news.wait()
        if self._letters:
            self._has_room.set()
            return self._letters.popleft()
        if self._reason is not None:
            raise self._reason
        return None

    def end(self, reason: Exception | None = None) -> None:
        """Take no more letters; those that wait can still be taken."""
        if not self.ended:
            self.ended, self._reason = True, reason
        self._has_room.set()
        self._has_news.set()
