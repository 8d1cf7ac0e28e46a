"""Durable conditional appends per second, beside the `eventsourcing` library's own recorder.

Ours: callers in one event loop, as in the HTTP process; each append is a booking of one event with three
tags, on the condition that nothing that occupies the seat that day or the student that week has come since
the caller last looked. The peer: `Application.save` of one new aggregate at a time, from eight threads (from
one, beside our single caller), without database functions. Same server, fsync on, taking turns.
"""

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import uvloop
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from benchmarks.engines import create_database, temporary_postgres
from benchmarks.frame import Benchmark, Figures, Report, alternate, missed
from studyspot.event_store.errors import ConditionFailed
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Condition, Criterion, NewEvent
from studyspot.migrations.run import upgrade

PEER = "eventsourcing"
ROUNDS = 5
TURN = timedelta(seconds=1.5)
WARM_UP = timedelta(seconds=0.5)
CALLERS = (1, 64, 256)
PEER_THREADS = 8
LEAST_RATIO_AT_64 = 8.0
LEAST_RATIO_AT_1 = 1.0

OCCUPYING = (
    *("hold.placed", "hold.released", "hold.lapsed", "booking.created", "booking.rescheduled"),
    *("booking.cancelled", "booking.checked-in", "booking.checked-out", "booking.completed"),
    *("booking.no-show", "booking.revoked"),
)
DATA = (
    b'{"v":1,"time":"2026-12-01T09:00:00Z","actor":"s1","commandid":"0199a0c1-7e1f-7d60-9c3b-5f0c6d1e2f3a",'
    b'"traceparent":null,"data":{"bookingId":"0199a0c1-7e1f-7d60-9c3b-5f0c6d1e2f3b","libraryId":"L1",'
    b'"seatId":"S17","userId":"s1","start":"2026-12-02T09:00:00Z","end":"2026-12-02T11:00:00Z",'
    b'"status":"confirmed","amountMinor":10000,"currency":"INR","occupation":"o9f"}}'
)


@dataclass
class Callers:
    """Our side: what was acknowledged, and how long each append took."""

    store: EventStore
    acknowledged: dict[int, str] = field(default_factory=dict)
    refused: int = 0
    latencies: list[float] = field(default_factory=list)

    async def run(self, number: int, turn: timedelta) -> float:
        """Append with `number` callers for one turn; return acknowledged appends per second."""
        before, began = len(self.acknowledged), time.perf_counter()
        ends = began + turn.total_seconds()
        self.latencies.clear()
        async with asyncio.timeout(turn.total_seconds() + 30), asyncio.TaskGroup() as tasks:
            for _ in range(number):
                tasks.create_task(self._book_until(ends))
        return (len(self.acknowledged) - before) / (time.perf_counter() - began)

    async def _book_until(self, ends: float) -> None:
        looked, acknowledged = (await self.store.read_async(limit=0)).head, 0
        # Once at least, however short the turn and slow the machine.
        while (began := time.perf_counter()) < ends or not acknowledged:
            booking = f"booking:{uuid4()}"
            seat, student, day = random.randrange(2000), random.randrange(100_000), random.randrange(1, 61)
            seat_day = f"seat-day:0199a0c1-7e1f-7d60-9c3b-{seat:012}:{day}"
            student_week = f"student-week:0199a0c1-7e1f-7d60-9c3b-{student:012}:{day // 7}"
            condition = Condition(
                (Criterion(OCCUPYING, (seat_day,)), Criterion(OCCUPYING, (student_week,))), after=looked
            )
            created = NewEvent("booking.created", DATA, (booking, seat_day, student_week))
            try:
                looked = (await self.store.append_async([created], condition)).position
            except ConditionFailed:
                self.refused += 1
                looked = (await self.store.read_async(condition.criteria, after=looked)).head
                continue
            acknowledged += 1
            self.acknowledged[looked] = booking
            self.latencies.append(time.perf_counter() - began)

    def percentile_ms(self, share: float) -> float:
        """The latency of the last turn below which `share` of its appends lie, in milliseconds."""
        ordered = sorted(self.latencies)
        return round(ordered[int(len(ordered) * share)] * 1000, 2)


class PeerBooking(Aggregate):
    """The peer's aggregate: one event when it is made."""

    @event("Created")
    def __init__(self, seat: str, student: str, start: str, end: str, amount_minor: int) -> None:
        self.seat = seat
        self.student = student
        self.start = start
        self.end = end
        self.amount_minor = amount_minor


def peer_environment(database_url: str) -> dict[str, str]:
    """The library's settings for its PostgreSQL recorders."""
    parts = conninfo_to_dict(database_url)
    settings = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts["dbname"],
        "POSTGRES_HOST": parts["host"],
        "POSTGRES_PORT": str(parts["port"]),
        "POSTGRES_USER": parts["user"],
        "POSTGRES_PASSWORD": parts["password"],
        "POSTGRES_POOL_SIZE": str(PEER_THREADS),
        "POSTGRES_MAX_OVERFLOW": str(PEER_THREADS),
        "POSTGRES_ENABLE_DB_FUNCTIONS": "n",
    }
    return {name: str(value) for name, value in settings.items()}


def peer_application(database_url: str) -> Application[UUID]:
    """The library's application on its PostgreSQL recorder."""
    return Application(peer_environment(database_url))


def save_with_threads(application: Application[UUID], threads: int, turn: timedelta) -> float:
    """Save new aggregates from `threads` threads for one turn; return saves per second."""
    began = time.perf_counter()
    ends = began + turn.total_seconds()

    def save_until(thread: int) -> int:
        saved = 0
        while time.perf_counter() < ends:
            application.save(
                PeerBooking(f"S{thread}", f"s{saved}", "2026-12-02T09:00:00Z", "2026-12-02T11:00:00Z", 10_000)
            )
            saved += 1
        return saved

    with ThreadPoolExecutor(threads) as pool:
        saved = sum(pool.map(save_until, range(threads)))
    return saved / (time.perf_counter() - began)


def wrongs(callers: Callers) -> tuple[str, ...]:
    """Return what is wrong with the log: a gap, a lost or changed append, one that was never acknowledged."""
    log = {event.position: event for page in callers.store.pages(0) for event in page}
    return missed(
        [
            (list(log) == list(range(1, len(log) + 1)), "positions are contiguous"),
            (
                all(
                    position in log and booking in log[position].tags
                    for position, booking in callers.acknowledged.items()
                ),
                "every acknowledged append is in the log at its position",
            ),
            (len(log) == len(callers.acknowledged), "the log holds nothing that was not acknowledged"),
        ]
    )


def measure(ours_url: str, peer_url: str, *, rounds: int = ROUNDS, turn: timedelta = TURN) -> Report:
    """Measure on two empty databases of one server."""
    upgrade(ours_url)
    latencies: dict[int, list[tuple[float, float]]] = {number: [] for number in CALLERS}
    application = peer_application(peer_url)
    try:
        with EventStore(ours_url) as store:
            callers = Callers(store)

            def ours(number: int) -> Callable[[], float]:
                def turn_of_ours() -> float:
                    rate = uvloop.run(callers.run(number, turn))
                    latencies[number].append((callers.percentile_ms(0.5), callers.percentile_ms(0.99)))
                    return rate

                return turn_of_ours

            uvloop.run(callers.run(64, WARM_UP))
            save_with_threads(application, PEER_THREADS, WARM_UP)
            figures = alternate(
                rounds,
                {
                    "peer 8": lambda: save_with_threads(application, PEER_THREADS, turn),
                    "64": ours(64),
                    "256": ours(256),
                    "peer 1": lambda: save_with_threads(application, 1, turn),
                    "1": ours(1),
                },
            )
            wrong = wrongs(callers)
    finally:
        application.close()
    return _report(figures, latencies, rounds, callers.refused, wrong + _settings_wrong(ours_url))


def _settings_wrong(database_url: str) -> tuple[str, ...]:
    with psycopg.connect(database_url) as connection:
        settings = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchall()[0][0]
            for name in ("fsync", "synchronous_commit")
        }
    return missed([(value == "on", f"{name} is on") for name, value in settings.items()])


def _report(
    figures: dict[str, Figures],
    latencies: dict[int, list[tuple[float, float]]],
    rounds: int,
    refused: int,
    wrong: tuple[str, ...],
) -> Report:
    at_64, at_1 = figures["64"].ratio_to(figures["peer 8"]), figures["1"].ratio_to(figures["peer 1"])
    more: dict[str, object] = {
        f"{number} callers": figures[str(number)].spread()
        | dict(zip(("p50Ms", "p99Ms"), sorted(latencies[number])[rounds // 2], strict=True))
        for number in CALLERS
    }
    return Report(
        name="append",
        ours=round(figures["64"].median, 1),
        peers={PEER: round(figures["peer 8"].median, 1)},
        ratio={PEER: round(at_64, 2)},
        unit="appends/s",
        rounds=rounds,
        more=more
        | {
            f"{PEER} with {PEER_THREADS} threads": figures["peer 8"].spread(),
            f"{PEER} with 1 thread": figures["peer 1"].spread(),
            "ratioAt1": round(at_1, 2),
            "ratioAt256": round(figures["256"].ratio_to(figures["peer 8"]), 2),
            "refused": refused,
        },
        failures=wrong
        + missed(
            [
                (
                    at_64 >= LEAST_RATIO_AT_64,
                    f"at least {LEAST_RATIO_AT_64} × {PEER} with 64 callers: {at_64:.2f}",
                ),
                (at_1 >= LEAST_RATIO_AT_1, f"at least {LEAST_RATIO_AT_1} × {PEER} with 1 caller: {at_1:.2f}"),
            ]
        ),
    )


def run() -> Report:
    """Measure on the embedded PostgreSQL."""
    with temporary_postgres() as engine:
        return measure(create_database(engine, "ours"), create_database(engine, "peer"))


BENCHMARK = Benchmark("append", "durable conditional appends/s at 1, 64 and 256 callers", run)
