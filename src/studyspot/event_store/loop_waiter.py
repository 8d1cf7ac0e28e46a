"""Callers that wait in an event loop: answers cross from the writer's thread together, not one by one."""

import asyncio
from collections import deque

import structlog

from studyspot.event_store.errors import StoreError
from studyspot.event_store.types import Appended

log = structlog.get_logger()


class Mailbox:
    """Hands what other threads post over to the futures of one event loop, in one wake-up for all."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._answers: deque[tuple[asyncio.Future[Appended], Appended | StoreError]] = deque()
        self._scheduled = False

    def post(self, future: "asyncio.Future[Appended]", answer: Appended | StoreError) -> None:
        """Answer `future` soon; from any thread."""
        self._answers.append((future, answer))
        if self._scheduled:
            return
        self._scheduled = True
        try:
            self.loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:
            # The loop was closed, and with it those who waited.
            log.warning("answers to a closed event loop", answers=len(self._answers))
            self._answers.clear()
            self._scheduled = False

    def _deliver(self) -> None:
        # First, so that an answer posted from here on schedules a delivery of its own.
        self._scheduled = False
        while self._answers:
            future, answer = self._answers.popleft()
            if future.done():
                continue
            if isinstance(answer, StoreError):
                future.set_exception(answer)
            else:
                future.set_result(answer)


class LoopWaiter:
    """A caller in the loop of `mailbox`, as the writer's thread sees it."""

    __slots__ = ("_mailbox", "future")

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self.future: asyncio.Future[Appended] = mailbox.loop.create_future()

    def set_running_or_notify_cancel(self) -> bool:
        """Say whether the caller still waits."""
        return not self.future.done()

    def set_result(self, result: Appended) -> None:
        """Tell where the append ended."""
        self._mailbox.post(self.future, result)

    def set_exception(self, exception: StoreError) -> None:
        """Tell why there was no append."""
        self._mailbox.post(self.future, exception)
