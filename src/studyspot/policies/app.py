"""The process of policies: follows the log, and does what is due."""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
import structlog
from psycopg import AsyncConnection

from studyspot.access.muted import read_muted
from studyspot.decisions.run import Decisions
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from studyspot.policies.commanding import Commanding
from studyspot.policies.following import PAGE, Follower
from studyspot.policies.metrics import observe_backlog, observe_behind, observe_position
from studyspot.policies.offering import Offering
from studyspot.policies.outages import OUTAGES
from studyspot.policies.status import Backlog, read_backlog
from studyspot.policies.tables import connect, read_progress
from studyspot.policies.working import Workman
from studyspot.telemetry import Readiness

LONGEST_WAIT = timedelta(seconds=1)
"""The tables are looked at so often though nothing calls: a rival may have died with what it had taken."""

SHORTEST_WAIT = timedelta(milliseconds=20)
"""Where a rival is doing what is due."""

PAGE_EVERY = timedelta(milliseconds=250)
"""A log that was read to its end is left to fill a page for so long: deadlines are minutes away."""

CHECK_EVERY = timedelta(seconds=1)
MEASURE_EVERY = timedelta(seconds=2)
FAR_BEHIND = 10 * PAGE
"""Events. So far behind nothing is done yet: the log has still to say what was done of what is planned."""

READ_CONNECTIONS = 8
FIRST_RETRY = timedelta(milliseconds=200)
LAST_RETRY = timedelta(seconds=2)

log = structlog.get_logger()


def real_time() -> datetime:
    """Return the server's time."""
    return datetime.now(UTC)


class PoliciesProcess:
    """Keeps deadlines and sends notices; any number of processes may, and nothing happens twice.

    It needs the database alone. `now` is the clock, which only tests replace.
    """

    def __init__(self, *, database_url: str, now: Callable[[], datetime] = real_time) -> None:
        self._database_url = database_url
        self._now = now
        self._away: bool | None = None
        self._head = 0
        self._looked_at = 0
        self._halted: str | None = None
        self._shortest_wait = SHORTEST_WAIT
        self._follower: Follower | None = None
        self._backlog = Backlog()
        self._measure_at = time.monotonic()
        self._page_at = time.monotonic()

    @property
    def position(self) -> int:
        """The position up to which the log is known; 0 until the tables have told."""
        return self._follower.progress.position if self._follower is not None else 0

    @property
    def lag_events(self) -> int:
        """How many events of the log are not known yet."""
        return max(0, self._head - self.position)

    def readiness(self) -> Readiness:
        """Whether policies keep up with the log.

        What is set aside or left out degrades it, while all else is done; so does a log that takes no
        appends, for which all waits.
        """
        follower = self._follower
        trouble = follower.trouble if follower is not None else None
        ready = self._away is False and trouble is None and self.lag_events <= PAGE
        degraded = {
            "setAside": self._backlog.set_aside,
            "unreadEvents": self._backlog.unread,
            "halted": self._halted,
        }
        return Readiness(
            ready,
            {"policies": trouble or self.position},
            {name: found for name, found in degraded.items() if found},
        )

    async def run(self) -> None:
        """Run until cancelled; wait where the database is away."""
        observe_behind(lambda: self.lag_events)
        retry = FIRST_RETRY
        with EventStore(self._database_url, read_connections=READ_CONNECTIONS) as store:
            async with HeadSignal(self._database_url) as signal:
                while True:
                    try:
                        async with (
                            await connect(self._database_url) as connection,
                            await connect(self._database_url, "studyspot policies, looking") as looking,
                        ):
                            await self._go_on(connection, looking, store, signal)
                    except OUTAGES as error:
                        if not self._away:
                            log.warning("policies wait for the database", reason=str(error).strip())
                        retry = min(retry * 2, LAST_RETRY) if self._away else FIRST_RETRY
                        self._away = True
                        # A little more or less than others do.
                        await asyncio.sleep(retry.total_seconds() * random.uniform(0.5, 1.5))  # noqa: S311

    async def _go_on(
        self, connection: AsyncConnection, looking: AsyncConnection, store: EventStore, signal: HeadSignal
    ) -> None:
        """Follow and work; `looking` is for what tasks look up, beside the transaction that holds them."""
        follower = Follower(connection, store, await read_progress(connection))
        decisions = Decisions(store)
        commanding = Commanding(decisions, Offering(looking, decisions), partial(read_muted, looking))
        workman = Workman(connection, commanding, self._now)
        await self._check(connection, store, follower)
        if self._follower is None and not follower.superseded:
            await self._try_again(follower, workman)
        self._follower = follower
        log.info("policies follow the log", position=self.position)
        self._away = False
        checked = time.monotonic()
        while True:
            if time.monotonic() - checked >= CHECK_EVERY.total_seconds():
                if looking.closed:
                    raise psycopg.OperationalError("the connection for looking is lost")
                await self._check(connection, store, follower)
                checked = time.monotonic()
            if not await self._step(follower, workman, signal):
                await self._wait(follower, workman, signal)

    async def _step(self, follower: Follower, workman: Workman, signal: HeadSignal) -> bool:
        """Take a page of the log and do some of what is due; say whether there was anything."""
        self._head = max(self._head, signal.look())
        moved = await self._follow(follower)
        if moved and self.lag_events > FAR_BEHIND:
            return True
        if self._halted is not None or follower.superseded:
            self._shortest_wait = LONGEST_WAIT
            return moved
        worked = await workman.work()
        # What one task waits for, the next one may as well.
        stuck = worked.put_off > 0 and worked.put_off == worked.tried
        self._shortest_wait = LONGEST_WAIT if stuck else SHORTEST_WAIT
        return moved or (worked.tried > 0 and not stuck)

    async def _follow(self, follower: Follower) -> bool:
        """Take a page of the log, where it is time for one; say whether there was anything."""
        if not follower.superseded and self._until_page():
            return False
        self._looked_at = self._head
        before = follower.progress
        if follower.superseded or before.position >= self._head:
            return False
        await follower.follow(self._head)
        observe_position(self.position)
        moved = follower.progress != before
        if not moved or not self.lag_events:
            self._page_at = time.monotonic() + PAGE_EVERY.total_seconds()
        return moved

    def _until_page(self) -> timedelta:
        """Return how long the next page is left to fill."""
        return timedelta(seconds=max(0.0, self._page_at - time.monotonic()))

    async def _wait(self, follower: Follower, workman: Workman, signal: HeadSignal) -> None:
        """Wait until an event comes, or the next task is due."""
        due = await workman.next_due()
        left = LONGEST_WAIT if due is None else due - self._now()
        limit = min(max(left, self._shortest_wait), LONGEST_WAIT)
        # What comes until the next page comes with it.
        pause = min(self._until_page(), limit)
        await asyncio.sleep(pause.total_seconds())
        await signal.wait(max(follower.progress.position, self._looked_at), limit - pause)

    async def _check(self, connection: AsyncConnection, store: EventStore, follower: Follower) -> None:
        head = await asyncio.to_thread(store.head)
        self._head, self._halted = head.position, head.halted
        await follower.check(head)
        if time.monotonic() >= self._measure_at:
            self._backlog = await read_backlog(connection, self._now())
            observe_backlog(self._backlog)
            self._measure_at = time.monotonic() + MEASURE_EVERY.total_seconds()

    async def _try_again(self, follower: Follower, workman: Workman) -> None:
        """Try what an older release could not do or read: this one may."""
        await workman.try_set_aside()
        if await follower.can_read_more():
            await follower.begin_anew()
