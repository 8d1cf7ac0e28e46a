"""A log, and policies that follow it at a time that a test says."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg

from studyspot.catalogue.codec import Metadata, Recorded, UnreadableEvent, decode, encode
from studyspot.catalogue.tags import tags_of
from studyspot.catalogue.types import UnknownEvent, type_of
from studyspot.domain.events import Event, NotificationSent
from studyspot.embedded.parents import told_of_parents_death
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import NewEvent
from studyspot.policies.app import PoliciesProcess
from tests.policies.happenings import NINE

DAY_BEFORE = NINE - timedelta(days=1)

_UNSETTLED = """
SELECT position < (SELECT position FROM store.head)
    OR EXISTS (SELECT FROM policies.tasks WHERE try_at <= %s) FROM policies.progress
"""


async def until(condition: Callable[[], object], limit: float = 60.0) -> None:
    """Wait for the condition; fail when it does not come true."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110  # Tables tell nobody.
            await asyncio.sleep(0.01)


@dataclass
class Clock:
    """A clock that stands until it is set."""

    at: datetime = DAY_BEFORE

    def now(self) -> datetime:
        return self.at


@dataclass(frozen=True)
class Log:
    """The log of one database, filled by tests and by policies."""

    database_url: str
    store: EventStore
    clock: Clock = field(default_factory=Clock)

    def append(self, *events: Event, actor: str | None = "owner") -> int:
        """Append them at the clock's time, and return the last position."""
        return self.append_by((event, actor) for event in events)

    def append_by(self, events: Iterable[tuple[Event, str | None]]) -> int:
        new = [
            NewEvent(
                type_of(type(event)),
                encode(event, Metadata(time=self.clock.at, command_id=str(uuid4()), actor=actor)),
                tags_of(event),
            )
            for event, actor in events
        ]
        return self.store.append(new).position

    def recorded(self, after: int = 0) -> Iterator[Recorded]:
        """The events that can be read."""
        for page in self.store.pages(after):
            for stored in page:
                try:
                    event, metadata = decode(stored.type, stored.data)
                except (UnknownEvent, UnreadableEvent):
                    continue
                yield Recorded(position=stored.position, epoch=stored.epoch, event=event, metadata=metadata)

    def of_policies(self, after: int = 0) -> list[Event]:
        """What policies did, but for notices."""
        return [
            recorded.event
            for recorded in self.recorded(after)
            if recorded.metadata.actor is None and not isinstance(recorded.event, NotificationSent)
        ]

    def notices(self) -> list[NotificationSent]:
        return [
            recorded.event for recorded in self.recorded() if isinstance(recorded.event, NotificationSent)
        ]

    def kinds(self) -> Counter[str]:
        """How often each kind of notice was sent."""
        return Counter(notice.kind for notice in self.notices())

    def rows(self, statement: str, *parameters: Any) -> list[Any]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def execute(self, statement: str, *parameters: Any) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement.encode(), parameters)

    def is_settled(self) -> bool:
        """Whether policies know the whole log, and nothing is due."""
        return self.rows(_UNSETTLED, self.clock.at) == [(False,)]

    async def settle(self, at: datetime | None = None, processes: int = 1, limit: float = 60.0) -> None:
        """Let policies do all that is due at `at`, or at the clock's time."""
        self.clock.at = at or self.clock.at
        async with self.policies(processes) as process:
            await until(lambda: process.readiness().ready)
            await until(self.is_settled, limit)

    @asynccontextmanager
    async def policies(
        self, processes: int = 1, now: Callable[[], datetime] | None = None
    ) -> AsyncIterator[PoliciesProcess]:
        """Policies that run until the end of the block; the first process of them."""
        running = [
            PoliciesProcess(database_url=self.database_url, now=now or self.clock.now)
            for _ in range(processes)
        ]
        tasks = [asyncio.create_task(process.run()) for process in running]
        try:
            yield running[0]
            assert not any(task.done() for task in tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.result()


@contextmanager
def a_log(database_url: str) -> Iterator[Log]:
    with EventStore(database_url, read_connections=2) as store:
        yield Log(database_url, store)


@asynccontextmanager
async def child(log: Log) -> AsyncIterator[None]:
    """A process of policies, killed at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.policies.process", log.database_url, log.clock.at.isoformat()),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=told_of_parents_death(signal.SIGTERM),
    )
    try:
        yield
        assert process.returncode is None
    finally:
        process.kill()
        assert await process.wait() == -signal.SIGKILL
