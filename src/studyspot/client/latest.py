"""A value that changes, and those who wait for it to become something."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Latest(Generic[Value]):
    """The newest value; whoever watches sees each change, or the last of several at once."""

    def __init__(self, value: Value) -> None:
        self._value = value
        self._changed = asyncio.Event()
        self._ended: Exception | None = None

    @property
    def value(self) -> Value:
        return self._value

    def set(self, value: Value) -> None:
        """Change the value, and wake those who wait if it is another one."""
        if value != self._value:
            self._value = value
            self._wake()

    def end(self, reason: Exception) -> None:
        """Say that the value changes no more: everyone who waits, now or later, gets `reason`."""
        self._ended = reason
        self._wake()

    async def changes(self) -> AsyncIterator[Value]:
        """Yield the value as it is, and then after each change.

        Raises:
            Exception: the reason with which it ended.
        """
        while True:
            changed, value = self._changed, self._value
            yield value
            if self._ended is not None:
                raise self._ended
            await changed.wait()

    async def until(self, holds: Callable[[Value], bool], timeout: timedelta) -> Value:
        """Wait until something holds of the value; return it.

        Raises:
            TimeoutError: it did not hold in time.
            Exception: the reason with which it ended.
        """
        async with asyncio.timeout(timeout.total_seconds()):
            async for value in self.changes():
                if holds(value):
                    return value
        raise AssertionError("changes() ends only by raising")

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
