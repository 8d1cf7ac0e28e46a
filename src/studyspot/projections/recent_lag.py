"""How long the newest events took until their rows could be read, in a few figures.

Workers and `studyspot projections status` are different processes, so the figures are kept in a table of
their own, `read.lags`: a row for each projection, written once a second while events are applied.
"""

import asyncio
import time
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Self

import psycopg
import structlog
from psycopg import AsyncConnection, Connection

from studyspot.event_store.connections import connect_async

WINDOW = timedelta(minutes=1)
MOST_EVENTS = 5_000
RECORD_EVERY = timedelta(seconds=1)
_ANSWER_WITHIN_SECONDS = 5.0

_LOCK = 7_311_403
"""Advisory lock of those who make the table."""

_TABLE = """
CREATE TABLE IF NOT EXISTS read.lags (
    name text PRIMARY KEY,
    events integer NOT NULL,
    p50 interval NOT NULL,
    p99 interval NOT NULL,
    measured_at timestamptz NOT NULL
)
"""
_RECORD = """
INSERT INTO read.lags (name, events, p50, p99, measured_at) VALUES (%s, %s, %s, %s, clock_timestamp())
ON CONFLICT (name) DO UPDATE
SET events = excluded.events, p50 = excluded.p50, p99 = excluded.p99, measured_at = excluded.measured_at
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RecentLag:
    """From an event's own time, which is when its command decided, until its rows can be read.

    `p50` and `p99` are those of the newest `events` events: at most `MOST_EVENTS`, of the last `WINDOW`.
    """

    events: int
    p50: timedelta
    p99: timedelta


class LagWindow:
    """Keeps the lags of the newest events of one projection; `added` counts all that it was ever given.

    They are kept in order: sorting thousands each second would hold up the events that are measured.
    """

    def __init__(self) -> None:
        self.added = 0
        self._lags: deque[tuple[float, float]] = deque()
        self._ordered: list[float] = []

    def add(self, lags_seconds: Iterable[float], now: float) -> None:
        """Keep lags that were measured at `now`, in seconds of a clock that never goes back."""
        for lag in lags_seconds:
            if len(self._lags) == MOST_EVENTS:
                self._forget_oldest()
            self._lags.append((now, lag))
            insort(self._ordered, lag)
            self.added += 1

    def summary(self, now: float) -> RecentLag | None:
        """Return the figures of the window that ends now; none where nothing happened in it."""
        while self._lags and self._lags[0][0] < now - WINDOW.total_seconds():
            self._forget_oldest()
        if not self._lags:
            return None
        return RecentLag(len(self._ordered), _at(self._ordered, 0.5), _at(self._ordered, 0.99))

    def _forget_oldest(self) -> None:
        _, lag = self._lags.popleft()
        del self._ordered[bisect_left(self._ordered, lag)]


class LagRecorder:
    """Writes what the windows hold, while it is entered; without a database it tries again each second.

    Where several processes keep one projection up, the row is that of whoever applied something last.
    """

    def __init__(self, database_url: str, windows: Callable[[], Mapping[str, LagWindow]]) -> None:
        self._database_url = database_url
        self._windows = windows
        self._recorded: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="lag-recorder")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        away = False
        while True:
            try:
                async with await connect_async(self._database_url, connect_timeout=2) as connection:
                    away = False
                    # Lost figures come again, and must not make the log's commits wait for the disk.
                    await connection.execute("SET synchronous_commit = off")
                    await self._record_each_second(connection)
            # Before the first worker has made its tables there is nothing to record.
            except (psycopg.OperationalError, psycopg.errors.InvalidSchemaName, TimeoutError) as error:
                if not away:
                    log.warning("lag is not recorded", reason=str(error).strip() or "no answer")
                away = True
            await asyncio.sleep(RECORD_EVERY.total_seconds())

    async def _record_each_second(self, connection: AsyncConnection) -> None:
        made = False
        while True:
            await asyncio.sleep(RECORD_EVERY.total_seconds())
            for name, window in self._windows().items():
                added, recent = window.added, window.summary(time.monotonic())
                if recent is None or added == self._recorded.get(name):
                    continue
                async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
                    if not made:
                        await _make_table(connection)
                        made = True
                    await connection.execute(_RECORD, [name, recent.events, recent.p50, recent.p99])
                self._recorded[name] = added


def recorded_lags(connection: Connection) -> dict[str, RecentLag]:
    """Return the figures of each projection that has applied an event within the last `WINDOW`."""
    try:
        rows = connection.execute(
            "SELECT name, events, p50, p99 FROM read.lags WHERE measured_at > clock_timestamp() - %s",
            [WINDOW],
        ).fetchall()
    except psycopg.errors.UndefinedTable:  # No worker has recorded anything yet.
        return {}
    return {name: RecentLag(*figures) for name, *figures in rows}


async def _make_table(connection: AsyncConnection) -> None:
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        await connection.execute(_TABLE)


def _at(ordered: list[float], share: float) -> timedelta:
    """Return the smallest lag that at least this share of them does not exceed."""
    rank = max(1, -int(-len(ordered) * share // 1))
    return timedelta(seconds=ordered[rank - 1])
