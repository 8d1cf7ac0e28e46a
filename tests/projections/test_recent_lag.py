"""How long events took until their rows could be read: measured by workers, told to other processes."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from studyspot.embedded.ports import free_port
from studyspot.projections.app import ProjectionsProcess
from studyspot.projections.models import bookings
from studyspot.projections.recent_lag import MOST_EVENTS, WINDOW, LagRecorder, LagWindow, RecentLag
from studyspot.projections.status import statuses
from studyspot.telemetry import serve_metrics
from tests.engines import PostgresServer
from tests.projections.happenings import booked, opened
from tests.projections.system import NO_BROKER, Log, a_log, until, working

AGES = timedelta(seconds=30)


def milliseconds(number: float) -> timedelta:
    return timedelta(milliseconds=number)


def test_percentiles_are_of_events_that_happened() -> None:
    window = LagWindow()
    assert window.summary(now=0) is None
    window.add([0.2], now=1)
    only = window.summary(now=1)
    assert only is not None
    assert (only.events, only.p50, only.p99) == (1, milliseconds(200), milliseconds(200))

    window = LagWindow()
    window.add((number / 1000 for number in range(200, 0, -1)), now=1)
    many = window.summary(now=2)
    assert many is not None
    assert (many.events, many.p50, many.p99) == (200, milliseconds(100), milliseconds(198))


def test_what_is_older_than_the_window_no_longer_counts() -> None:
    window, length = LagWindow(), WINDOW.total_seconds()
    window.add([5.0], now=0)
    window.add([0.01], now=length / 2)
    before, after = window.summary(now=length), window.summary(now=length + 1)
    assert before is not None
    assert before.p99 == milliseconds(5000)
    assert after is not None
    assert after.p99 == milliseconds(10)
    assert window.summary(now=3 * length) is None


def test_a_window_of_a_rush_holds_its_newest_events_and_grows_no_more() -> None:
    window = LagWindow()
    window.add([9.0] * MOST_EVENTS, now=1)
    window.add([0.01] * MOST_EVENTS, now=1)
    newest = window.summary(now=1)
    assert newest is not None
    assert (newest.events, newest.p99) == (MOST_EVENTS, milliseconds(10))
    assert window.added == 2 * MOST_EVENTS


async def told(log: Log, enough: Callable[[RecentLag], bool]) -> None:
    """Wait until another process is told enough of the bookings."""
    async with asyncio.timeout(60):
        while (lag := await recent(log)) is None or not enough(lag):
            pass


async def recent(log: Log) -> RecentLag | None:
    found = await asyncio.to_thread(statuses, log.database_url)
    return next(status.recent for status in found if status.name == "bookings")


async def test_status_tells_what_the_workers_of_another_process_have_measured(log: Log) -> None:
    process = ProjectionsProcess(database_url=log.database_url, nats_url=NO_BROKER, names=["bookings"])
    running = asyncio.create_task(process.run())
    try:
        await log.append(opened())
        await told(log, lambda lag: lag.events >= 1)
        await log.append(*(booked(f"B{number}") for number in range(50)), at=datetime.now(UTC) - AGES)
        await told(log, lambda lag: lag.p99 >= AGES)
    finally:
        process.end()
        await asyncio.wait_for(running, 30)
    log.rows("UPDATE read.lags SET measured_at = measured_at - %s RETURNING 1", WINDOW)
    assert await recent(log) is None, "what was measured long ago is told as if it were now"


async def test_lags_are_recorded_again_when_the_database_is_back(postgres_server: PostgresServer) -> None:
    windows = {"bookings": LagWindow()}
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log, working(log, bookings.PROJECTION) as worker:
            await log.append(opened())
            await until(lambda: worker.position == 1)
        with capture_logs() as lines:
            async with LagRecorder(url, lambda: windows):
                windows["bookings"].add([0.1], now=time.monotonic())
                await told(log, lambda lag: lag.events == 1)
                postgres_server.kill()
                windows["bookings"].add([0.1, 0.1], now=time.monotonic())
                await until(lambda: any(line["event"] == "lag is not recorded" for line in lines))
                postgres_server.restart()
                await told(log, lambda lag: lag.events == 3)


def lags_at_most(seconds: str) -> float:
    """How many lags of libraries this process, with all tests that it ran, has told to be no longer."""
    labels = {"projection": "libraries", "le": seconds}
    return REGISTRY.get_sample_value("studyspot_projection_lag_seconds_bucket", labels) or 0.0


async def test_prometheus_is_told_how_many_events_and_how_long(log: Log) -> None:
    process = ProjectionsProcess(database_url=log.database_url, nats_url=NO_BROKER, names=["libraries"])
    running = asyncio.create_task(process.run())
    port = free_port()
    stop = serve_metrics(port, process.readiness)
    before, quick = lags_at_most("60.0"), lags_at_most("0.1")
    try:
        await log.append(opened(), at=datetime.now(UTC) - AGES)
        await until(lambda: process.readiness().details == {"libraries": 1})
        async with httpx.AsyncClient() as client:
            told = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    finally:
        stop()
        process.end()
        await asyncio.wait_for(running, 30)
    assert 'studyspot_projection_lag_events{projection="libraries"} 0.0' in told
    assert lags_at_most("60.0") == before + 1
    for bound in ("60.0", "0.1", "0.09"):
        bucket = f'studyspot_projection_lag_seconds_bucket{{le="{bound}",projection="libraries"}}'
        assert f"{bucket} {lags_at_most(bound)}" in told
    assert lags_at_most("0.1") == quick
