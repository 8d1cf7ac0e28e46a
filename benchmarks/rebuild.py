"""Rebuilding all read models, in events of the log per second, beside two peers on the same server.

Ours: every projection, with two processes, as `studyspot projections rebuild --all` does it: read, decode,
fold, COPY, indexes, tail, pointer. The `eventsourcing` library's projection runner: one row and its tracking
record for each event, in one transaction. The bare loop: one process that reads the log once, decodes each
event, and COPYs a row of it, which is the least that any rebuild does.
"""

import asyncio
import time
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier

from benchmarks.append import PeerBooking, peer_environment
from benchmarks.engines import create_database, temporary_postgres
from benchmarks.frame import Benchmark, Report, alternate, missed
from benchmarks.history import write_history
from studyspot.catalogue.codec import decode
from studyspot.catalogue.types import EVENT_CLASSES, type_of
from studyspot.event_store.scanning import scan
from studyspot.event_store.store import EventStore
from studyspot.migrations.run import upgrade
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.projections.rebuild.run import rebuild_all
from studyspot.projections.verification.run import verify

RUNNER, LOOP = "eventsourcing", "bare loop"
EVENTS = 300_000
EVENTS_OF_RUNNER = 2_000
ROUNDS = 2
WORKERS = 2
LEAST_RATIO_TO_RUNNER = 30.0
LEAST_RATIO_TO_LOOP = 0.5
LIMIT_SECONDS = 600


def rebuild_everything(database_url: str, events: int) -> float:
    """Rebuild every projection; return the log's events per second."""

    async def rebuild() -> None:
        with EventStore(database_url, read_connections=2) as store:
            async for _ in rebuild_all(
                PROJECTIONS,
                database_url=database_url,
                store=store,
                workers=WORKERS,
                tell=lambda progress: None,
            ):
                pass

    began = time.perf_counter()
    asyncio.run(rebuild())
    return events / (time.perf_counter() - began)


def bare_loop(database_url: str, events: int) -> float:
    """Read the log, decode each event and COPY one row of it; return events per second."""
    types = [type_of(event_class) for event_class in EVENT_CLASSES]
    began = time.perf_counter()
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE bare (position bigint, type text, library_id text, at timestamptz)"
        )
        with cursor.copy("COPY bare FROM STDIN") as copy:
            for rows in scan(database_url, types, after=0, until=events):
                for position, _, event_type, data in rows:
                    event, metadata = decode(event_type, data)
                    library_id = getattr(event, "library_id", None)
                    copy.write_row((position, event_type, library_id, metadata.time))
        [(copied,)] = cursor.execute("SELECT count(*) FROM bare").fetchall()
        assert copied == events
    return events / (time.perf_counter() - began)


class PeerApplication(Application[UUID]):
    """The library's application whose events its runner projects."""


class PeerView(PostgresTrackingRecorder):
    """The library's kind of read model: rows, and how far they are, in one transaction."""

    def __init__(self, *arguments: object, **more: object) -> None:
        super().__init__(*arguments, **more)  # type: ignore[arg-type]
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS {}.peer_bookings"
                " (booking_id uuid PRIMARY KEY, seat text, amount bigint)"
            ).format(Identifier(self.datastore.schema))
        )

    def add(self, booking: PeerBooking.Event, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO peer_bookings VALUES (%s, %s, %s)", (booking.originator_id, "S1", 10_000)
            )


class PeerProjection(Projection[PeerView]):
    """Puts each event's row into the view."""

    name = "bookings"

    def process_event(self, domain_event: PeerBooking.Event, tracking: Tracking) -> None:
        self.view.add(domain_event, tracking)


def run_the_runner(database_url: str, events: int) -> float:
    """Save new events, then let the library's runner project them; return events projected per second."""
    environment = peer_environment(database_url)
    with PeerApplication(environment) as application:
        for _ in range(events // 100):
            application.save(
                *(PeerBooking(f"S{n}", "s1", "2026-12-02T09:00Z", "2026-12-02T11:00Z", 1) for n in range(100))
            )
        last = application.recorder.max_notification_id()
    began = time.perf_counter()
    with ProjectionRunner(
        application_class=PeerApplication,
        projection_class=PeerProjection,
        view_class=PeerView,
        env=environment,
    ) as runner:
        runner.wait(last, timeout=LIMIT_SECONDS)
    return events / (time.perf_counter() - began)


def differences(database_url: str) -> tuple[str, ...]:
    """Return what the rebuilt read models have that the log has not, or lack."""
    found = [
        asyncio.run(
            verify(
                projection,
                database_url=database_url,
                workers=WORKERS,
                sample=None,
                tell=lambda progress: None,
            )
        )
        for projection in PROJECTIONS
    ]
    return missed(
        [(one.difference is None, f"{one.build.name} is as the log says: {one.difference}") for one in found]
    )


def measure(ours_url: str, peer_url: str, *, events: int = EVENTS, rounds: int = ROUNDS) -> Report:
    """Measure on two empty databases of one server; the library's slower runner gets fewer events."""
    upgrade(ours_url)
    write_history(ours_url, events)
    of_runner = min(events, EVENTS_OF_RUNNER)
    figures = alternate(
        rounds,
        {
            "ours": lambda: rebuild_everything(ours_url, events),
            RUNNER: lambda: run_the_runner(peer_url, of_runner),
            LOOP: lambda: bare_loop(ours_url, events),
        },
    )
    ratios = {peer: figures["ours"].ratio_to(figures[peer]) for peer in (RUNNER, LOOP)}
    least = {RUNNER: LEAST_RATIO_TO_RUNNER, LOOP: LEAST_RATIO_TO_LOOP}
    return Report(
        name="rebuild",
        ours=round(figures["ours"].median, 1),
        peers={peer: round(figures[peer].median, 1) for peer in ratios},
        ratio={peer: round(ratio, 2) for peer, ratio in ratios.items()},
        unit="events/s",
        rounds=rounds,
        more={"events": events, "events of the runner": of_runner}
        | {name: figures[name].spread() for name in figures},
        failures=differences(ours_url)
        + missed(
            [
                (ratio >= least[peer], f"at least {least[peer]} × {peer}: {ratio:.2f}")
                for peer, ratio in ratios.items()
            ]
        ),
    )


def run(events: int | None = None) -> Report:
    """Measure on the embedded PostgreSQL."""
    with temporary_postgres() as engine:
        return measure(
            create_database(engine, "ours"), create_database(engine, "peer"), events=events or EVENTS
        )


BENCHMARK = Benchmark("rebuild", f"all read models from {EVENTS:,} events, or --events", run, sized=run)
