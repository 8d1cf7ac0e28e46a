"""One at a time, where each decision depends on those before it: else all but one decide again, and again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from weakref import WeakValueDictionary

from studyspot.decisions.run import Contended

_WAIT = timedelta(seconds=10)


class Turns:
    """Turns at things that have names, in the order of asking.

    It spares a process's requests each other; other processes' come first or not, as the log has it.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def at(self, name: str) -> AsyncIterator[None]:
        """Have one's turn at what has this name.

        Raises:
            Contended: it did not come in time.
        """
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        try:
            async with asyncio.timeout(_WAIT.total_seconds()):
                await lock.acquire()
        except TimeoutError:
            raise Contended from None
        try:
            yield
        finally:
            lock.release()
