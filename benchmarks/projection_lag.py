"""How long after its commit an event can be read, in each read model, at 500 events a second.

The work is done by a whole installation as `studyspot up` runs it: its own PostgreSQL and NATS, relay and
projections process, on a temporary home. This process appends bookings to its log, one event each, through
the event store. An event is committed when PostgreSQL tells of it, to who appended it or to who listens,
whichever is first; it can be read when the read model's notification of its position is heard. Beside that,
some of the bookings are read over HTTP as soon as they are acknowledged, with `StudySpot-Min-Position`.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import httpx
import psycopg
import uvloop
from psycopg import sql

from benchmarks.frame import Benchmark, Figures, Report, missed, percentile
from benchmarks.lag_load import STUDENT, Load
from benchmarks.lag_observer import LOG, Observer, times_of
from studyspot.console.temporary_system import TemporarySystem, temporary_system
from studyspot.event_store.store import EventStore
from studyspot.projections.builds import Build
from studyspot.projections.models import bookings, seats
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.wire.positions import MIN_POSITION

RATE = 500
ROUNDS = 3
TURN = timedelta(seconds=7)
WARM_UP = timedelta(seconds=2)
TARGET = timedelta(milliseconds=100)
READ_EVERY = timedelta(milliseconds=100)
READ_BY = timedelta(seconds=30)
LEAST_SHARE_OF_RATE = 0.95

NAMES = tuple(projection.name for projection in PROJECTIONS)


@dataclass
class Lags:
    """Milliseconds from commit until readable, by projection, of one round.

    `from_calls` are counted from the call of each append, which nothing can flatter; `reads` are whole
    requests over HTTP, from the acknowledgement of what they ask for.
    """

    by_projection: dict[str, list[float]] = field(default_factory=dict)
    from_calls: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)

    def worst(self, share: float) -> float:
        """Return the percentile of the projection that has the highest."""
        return max(percentile(lags, share) for lags in self.by_projection.values())


async def measure(
    system: TemporarySystem,
    *,
    rate: int = RATE,
    rounds: int = ROUNDS,
    turn: timedelta = TURN,
    target: timedelta = TARGET,
) -> Report:
    """Measure on a running system whose log is empty."""
    url = str(system.settings["database_url"])
    with EventStore(url) as store, Observer(url) as observer:
        load = Load(store)
        await _reached(observer, await load.prepare())
        await load.run(rate, WARM_UP)
        rates: list[float] = []
        measured: list[Lags] = []
        for _ in range(rounds):
            before = store.head().position
            lags = Lags()
            ended = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_read_own_bookings(system, load, lags.reads, ended))
                rates.append(await load.run(rate, turn))
                ended.set()
            head = store.head().position
            await _reached(observer, head)
            _add_lags(lags, load, observer, range(before + 1, head + 1))
            measured.append(lags)
        wrong = wrongs(store, load, observer)
    return _report(measured, rates, rate, target, wrong)


async def _reached(observer: Observer, position: int) -> None:
    async with asyncio.timeout(READ_BY.total_seconds()):
        while any(observer.reached(name) < position for name in (LOG, *NAMES)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _read_own_bookings(
    system: TemporarySystem, load: Load, reads: list[float], ended: asyncio.Event
) -> None:
    """Read the booking appended last, from time to time, at the position that it was acknowledged with.

    The load may end before a slow machine has answered once: a read that has begun is waited for.
    """
    headers = {"Authorization": f"Bearer {system.token(STUDENT, 'student')}"}
    async with httpx.AsyncClient(base_url=system.api_url, headers=headers, timeout=10) as client:
        while not (ended.is_set() and reads):
            await asyncio.sleep(READ_EVERY.total_seconds())
            position, acknowledged = next(reversed(load.acknowledged.items()))
            answer = await client.get("/api/bookings?limit=1", headers={MIN_POSITION: str(position)})
            answer.raise_for_status()
            reads.append((time.perf_counter() - acknowledged) * 1000)


def _add_lags(lags: Lags, load: Load, observer: Observer, positions: range) -> None:
    heard = times_of(positions, observer.heard[LOG])
    committed = {position: min(heard[position], load.acknowledged[position]) for position in positions}
    slowest = dict.fromkeys(positions, 0.0)
    for name in NAMES:
        readable = times_of(positions, observer.heard[name])
        lags.by_projection[name] = [(readable[at] - committed[at]) * 1000 for at in positions]
        slowest = {at: max(slowest[at], readable[at]) for at in positions}
    lags.from_calls = [(slowest[at] - load.called[at]) * 1000 for at in positions]


def wrongs(store: EventStore, load: Load, observer: Observer) -> tuple[str, ...]:
    """Return what is wrong with the read models: a step back, a position or a row that is not so."""
    positions = [position for position, _ in observer.heard[LOG]]
    return rows_wrong(store, load) + missed(
        [
            (store.head().position == max(load.acknowledged), "the log ends with what was acknowledged last"),
            (positions == sorted(positions), "the log does not go back"),
            (all(rises(observer.heard[name]) for name in NAMES), "no read model goes back or repeats itself"),
        ]
    )


def rows_wrong(store: EventStore, load: Load) -> tuple[str, ...]:
    """Return what is wrong with the rows that are read now."""
    head = store.head().position
    with psycopg.connect(store.database_url) as connection:
        builds = connection.execute(
            "SELECT name, version, number, position FROM read.current JOIN read.builds"
            " USING (name, version, number)"
        ).fetchall()
        current = {name: Build(name, version, number) for name, version, number, _ in builds}
        booked = sql.SQL("SELECT booking_id, status FROM {}").format(
            current[bookings.PROJECTION.name].table(bookings.BOOKINGS)
        )
        occupied = sql.SQL("SELECT occupation FROM {}").format(
            current[seats.PROJECTION.name].table(seats.OCCUPATIONS)
        )
        statuses: dict[str, str] = dict(connection.execute(booked).fetchall())
        occupations = {occupation for (occupation,) in connection.execute(occupied).fetchall()}
    occupying = {booking for booking, status in load.statuses.items() if status != "cancelled"}
    return missed(
        [
            ({name: at for name, _, _, at in builds} == dict.fromkeys(NAMES, head), "all are at the head"),
            (statuses == load.statuses, "each booking is read as it was booked, and no other"),
            (occupations == occupying, "the seat maps show what occupies the seats"),
        ]
    )


def rises(heard: Sequence[tuple[int, float]]) -> bool:
    """Say whether each position is greater than the one before."""
    positions = [position for position, _ in heard]
    return all(before < after for before, after in pairwise(positions))


def _report(
    measured: Sequence[Lags], rates: Sequence[float], rate: int, target: timedelta, wrong: tuple[str, ...]
) -> Report:
    p99 = Figures(tuple(lags.worst(0.99) for lags in measured))
    limit = target.total_seconds() * 1000
    return Report(
        name="projection-lag",
        ours=round(p99.median, 1),
        peers={},
        ratio={},
        unit="ms at p99",
        rounds=len(measured),
        more={
            "p99Ms": p99.spread(),
            "projections": {
                name: _spread([lag for lags in measured for lag in lags.by_projection[name]])
                for name in NAMES
            },
            "fromCallOfAppend": _spread([lag for lags in measured for lag in lags.from_calls]),
            "readOverHttp": _spread([read for lags in measured for read in lags.reads]),
            "eventsPerSecond": round(min(rates), 1),
            "events": sum(len(lags.from_calls) for lags in measured),
            "targetMs": limit,
        },
        failures=wrong
        + missed(
            [
                (
                    p99.median <= limit,
                    f"99 of 100 events can be read within {limit:.0f} ms: {p99.median:.1f}",
                ),
                (
                    min(rates) >= LEAST_SHARE_OF_RATE * rate,
                    f"the load was {rate} events a second: {min(rates):.0f}",
                ),
            ]
        ),
    )


def _spread(values: Sequence[float]) -> Mapping[str, float]:
    """Return median, 99th percentile and greatest, in milliseconds."""
    return {
        "p50Ms": round(percentile(values, 0.5), 2),
        "p99Ms": round(percentile(values, 0.99), 2),
        "maxMs": round(max(values), 2),
    }


async def _run() -> Report:
    async with temporary_system() as system:
        return await measure(system)


def run() -> Report:
    """Measure on a temporary installation."""
    return uvloop.run(_run())


BENCHMARK = Benchmark("projection-lag", "commit until readable under 500 events/s, each read model", run)
