"""Hands each item to everyone who listens."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Protocol

from studyspot.client.errors import ClientClosed
from studyspot.client.items import Item
from studyspot.client.mailbox import Mailbox


class Subscription:
    """A stream of items. While it is full, nothing more is read from the socket.

    Whoever stops reading before the client is closed closes it: `with client.events() as events:`.
    """

    def __init__(self, mailbox: Mailbox[Item]) -> None:
        self._mailbox = mailbox

    def __aiter__(self) -> AsyncIterator[Item]:
        return self

    async def __anext__(self) -> Item:
        item = await self._mailbox.get()
        if item is None:
            raise StopAsyncIteration
        return item

    def close(self) -> None:
        """Listen no more; the loop ends after what waits already."""
        self._mailbox.end()

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Listener(Protocol):
    """Someone who takes every item at once."""

    def take(self, item: Item) -> None:
        """Take the next item."""

    def end(self, reason: Exception) -> None:
        """Nothing more comes."""


class Deliveries:
    """All who listen: subscriptions, which may hold the socket back, and listeners, which may not."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ended = False
        self._reason: Exception | None = None
        self._mailboxes: list[Mailbox[Item]] = []
        self._listeners: list[Listener] = []

    def subscribe(self) -> Subscription:
        """Return a stream of everything from now on."""
        mailbox: Mailbox[Item] = Mailbox(self._size)
        if self._ended:
            mailbox.end(self._reason)
        self._mailboxes.append(mailbox)
        return Subscription(mailbox)

    def add(self, listener: Listener) -> None:
        """Let `listener` take every item from now on, before any subscription gets it."""
        self._listeners.append(listener)

    def remove(self, listener: Listener) -> None:
        """Give `listener` no more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    async def hand_over(self, item: Item) -> None:
        """Give the item to all, waiting for those that are full."""
        for listener in tuple(self._listeners):
            listener.take(item)
        self._mailboxes = [mailbox for mailbox in self._mailboxes if not mailbox.ended]
        for mailbox in tuple(self._mailboxes):
            await mailbox.put(item)

    def end(self, reason: Exception | None) -> None:
        """End every stream, with the reason if there is one; the first end counts."""
        if self._ended:
            return
        self._ended, self._reason = True, reason
        for listener in tuple(self._listeners):
            listener.end(reason or ClientClosed("the client is closed"))
        for mailbox in self._mailboxes:
            mailbox.end(reason)
