"""The event store: one ordered log in PostgreSQL, read in snapshots and appended by group commit."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import timedelta
from types import TracebackType
from typing import Self

import psycopg

from studyspot.event_store import epochs, limits, reading
from studyspot.event_store.commands import Command, Waiter
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.loop_reads import LoopReads
from studyspot.event_store.loop_waiter import LoopWaiter, Mailbox
from studyspot.event_store.thread_reads import ThreadReads
from studyspot.event_store.types import (
    Appended,
    Condition,
    Criterion,
    Head,
    IdempotencyKey,
    NewEvent,
    Snapshot,
    StoredEvent,
)
from studyspot.event_store.writer import GroupCommitWriter

# How long a command waits in the queue and for a database that is away.
DECIDE_WITHIN = timedelta(seconds=5)
# How long its caller waits: longer, so that the writer nearly always tells what became of it.
ANSWER_WITHIN = timedelta(seconds=10)
STOP_WITHIN = timedelta(seconds=10)


class EventStore:
    """Owns a writer thread, and connections for the reads of threads and of event loops."""

    def __init__(self, database_url: str, *, read_connections: int = 8) -> None:
        self.database_url = database_url
        self.writer = GroupCommitWriter(database_url)
        self._mailbox: Mailbox | None = None
        self._reads = ThreadReads(database_url, read_connections)
        self._loop_reads = LoopReads(database_url, read_connections)

    def open(self) -> None:
        """Start the writer and the pool; connections are made when they are first needed."""
        self._reads.open()
        self.writer.start()

    def close(self) -> None:
        """Append what is queued, then let go of every thread and connection."""
        self.writer.stop(STOP_WITHIN)
        self._loop_reads.close()
        self._reads.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def accepts_appends(self) -> bool:
        """Whether the writer runs: without it every append would be answered in vain, after its limit."""
        return self.writer.running

    def head(self) -> Head:
        """Return the end of the log.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        return self._reads.ask(reading.head())

    def read(
        self,
        criteria: Sequence[Criterion] = (),
        *,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
        key: IdempotencyKey | None = None,
    ) -> Snapshot:
        """Return the events in (`after`, `until`] that match any criterion, oldest first, at most `limit`.

        Rows, head and the answer stored under `key` are of one instant, so an append on the condition that
        nothing matches after `head` cannot miss what this read did not see. Without criteria all match.

        Raises:
            KeyReused: `key` belongs to a command with another body.
            EventRejected: the criteria or the key could never be looked up.
            StoreUnavailable: the database does not answer.
        """
        limits.check_criteria(criteria)
        if key:
            limits.check_key(key)
        return self._reads.ask(reading.snapshot(criteria, after=after, until=until, limit=limit, key=key))

    def pages(
        self, after: int, *, until: int | None = None, size: int = 1000
    ) -> Iterator[tuple[StoredEvent, ...]]:
        """Yield the events in (`after`, `until`] in pages of at most `size`, up to the head taken first.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        head = self.head().position
        until = head if until is None else min(until, head)
        while after < until:
            page = self._reads.ask(reading.page(after=after, until=until, limit=size))
            if not page:
                return
            yield page
            after = page[-1].position

    def submit(
        self,
        events: Sequence[NewEvent],
        condition: Condition | None = None,
        *,
        key: IdempotencyKey | None = None,
        answer: bytes | None = None,
    ) -> "Future[Appended]":
        """Queue an append of `events`, all or none, and of `answer` under `key`.

        The future raises ConditionFailed, AnsweredBefore, KeyReused, StoreHalted, EventRejected or
        StoreUnavailable; cancelling it while it is queued means that nothing is appended.

        Raises:
            EventRejected: the events, the condition or the key could never be stored.
            StoreUnavailable: too many appends are waiting, or the store is closed.
        """
        future: Future[Appended] = Future()
        self._submit(future, events, condition, key, answer)
        return future

    def append(
        self,
        events: Sequence[NewEvent],
        condition: Condition | None = None,
        *,
        key: IdempotencyKey | None = None,
        answer: bytes | None = None,
    ) -> Appended:
        """Append `events`, all or none, if `condition` holds; return when they are durable.

        Raises:
            ConditionFailed: an event that matches the condition was appended since.
            AnsweredBefore: `key` has been answered already.
            KeyReused: `key` belongs to a command with another body.
            StoreHalted: appends are stopped until a new epoch.
            EventRejected: the events, the condition or the key could never be stored.
            StoreUnavailable: the database did not answer in time; whether it appended may be unknown.
        """
        future = self.submit(events, condition, key=key, answer=answer)
        try:
            return future.result(ANSWER_WITHIN.total_seconds())
        except TimeoutError as error:
            future.cancel()
            raise StoreUnavailable("the append was not answered in time") from error

    async def read_async(
        self,
        criteria: Sequence[Criterion] = (),
        *,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
        key: IdempotencyKey | None = None,
    ) -> Snapshot:
        """Return what `read` returns, without blocking the event loop."""
        limits.check_criteria(criteria)
        if key:
            limits.check_key(key)
        query = reading.snapshot(criteria, after=after, until=until, limit=limit, key=key)
        return await self._loop_reads.ask(query)

    async def read_page_async(self, after: int, *, limit: int) -> tuple[StoredEvent, ...]:
        """Return the first events after `after`, of all types, at most `limit`.

        It costs the database less than `read_async` does, and does not tell the head.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        return await self._loop_reads.ask(reading.page(after=after, limit=limit))

    async def read_tag_ranges_async(
        self, types: Sequence[str], ranges: Sequence[tuple[str, str]]
    ) -> tuple[StoredEvent, ...]:
        """Return the events of `types` with a tag in any of `ranges`, both ends included, oldest first.

        Tags are ordered by their bytes. The read is no boundary for a condition: use it only where what it
        must not miss is kept out by other means.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        return await self._loop_reads.ask(reading.tag_ranges(types, ranges))

    async def append_async(
        self,
        events: Sequence[NewEvent],
        condition: Condition | None = None,
        *,
        key: IdempotencyKey | None = None,
        answer: bytes | None = None,
    ) -> Appended:
        """Append as `append` does, without blocking the event loop.

        Cancelled while it is queued, it appends nothing.
        """
        loop = asyncio.get_running_loop()
        if self._mailbox is None or self._mailbox.loop is not loop:
            self._mailbox = Mailbox(loop)
        waiter = LoopWaiter(self._mailbox)
        self._submit(waiter, events, condition, key, answer)
        limit = loop.call_later(
            ANSWER_WITHIN.total_seconds(),
            waiter.set_exception,
            StoreUnavailable("the append was not answered in time"),
        )
        try:
            return await waiter.future
        finally:
            limit.cancel()

    def halt(self, reason: str) -> None:
        """Stop the appends of every process, for `reason`, until a new epoch.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        try:
            epochs.halt(self.database_url, reason)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    def new_epoch(self) -> str:
        """Begin a new epoch after the present head, and allow appends again; return its id.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        try:
            return epochs.begin_epoch(self.database_url)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    def _submit(
        self,
        waiter: Waiter,
        events: Sequence[NewEvent],
        condition: Condition | None,
        key: IdempotencyKey | None,
        answer: bytes | None,
    ) -> None:
        accepted = limits.checked(events)
        if condition:
            limits.check_criteria(condition.criteria)
        if key:
            limits.check_key(key)
        deadline = time.monotonic() + DECIDE_WITHIN.total_seconds()
        self.writer.submit(Command(accepted, condition, key, answer or b"", deadline, waiter))
