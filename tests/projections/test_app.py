"""The process: all projections, until it is told to end; and what is said of how far they are."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta

import pytest
from nats.aio.client import Client
from structlog.testing import capture_logs

from studyspot.event_store.errors import StoreUnavailable
from studyspot.projections.app import AllStopped, ProjectionsProcess
from studyspot.projections.models import bookings
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.projections.status import statuses
from studyspot.telemetry import Readiness
from tests.engines import NatsServer, PostgresServer
from tests.projections.happenings import booked, opened, seat
from tests.projections.poison import append_raw
from tests.projections.system import NO_BROKER, Log, a_log, until, until_consumed, working


async def test_a_process_keeps_every_projection_up_until_sigterm(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    process = ProjectionsProcess(database_url=log.database_url, nats_url=nats_server.urls.projections)
    assert not process.readiness().ready
    running = asyncio.create_task(process.run())
    position = await log.append(opened(), seat(), booked())
    await log.publish(relay)
    reached = {projection.name: position for projection in PROJECTIONS}
    await until(lambda: process.readiness() == Readiness(True, reached))
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 30)
    assert {status.lag_events for status in statuses(log.database_url)} == {0}


async def test_a_projection_that_stops_leaves_the_others_going(log: Log) -> None:
    await log.append(opened())
    process = ProjectionsProcess(
        database_url=log.database_url, nats_url=NO_BROKER, names=["seats", "bookings"]
    )
    running = asyncio.create_task(process.run())
    await until(lambda: process.readiness().ready)
    log.rows("UPDATE read.builds SET position = 9 WHERE name = 'seats' RETURNING 1")
    with capture_logs() as lines:
        position = await log.append(seat())
        await until(lambda: isinstance(process.readiness().details["seats"], str))
        await until(lambda: process.readiness().details["bookings"] == position)
        await until(lambda: any(line["event"] == "projection stopped" for line in lines))
    assert not process.readiness().ready
    (stopped,) = [line for line in lines if line["event"] == "projection stopped"]
    assert stopped["mend"] == "`studyspot projections rebuild seats`"
    log.rows("UPDATE read.builds SET position = 9 WHERE name = 'bookings' RETURNING 1")
    with pytest.raises(AllStopped):
        await asyncio.wait_for(running, 30)


async def test_parked_events_degrade_readiness_and_do_not_end_it(log: Log) -> None:
    await log.append(opened(), seat(), booked())
    await append_raw(log, "booking.cancelled", b'{"data":{"bookingId":"B1","occupation":"o-B1"}}')
    process = ProjectionsProcess(
        database_url=log.database_url, nats_url=NO_BROKER, names=["libraries", "bookings"]
    )
    running = asyncio.create_task(process.run())
    parked = Readiness(True, {"libraries": 4, "bookings": 4}, {"parked": {"bookings": 1}})
    await until(lambda: process.readiness() == parked)
    process.end()
    await asyncio.wait_for(running, 30)


async def test_status_tells_how_many_events_and_seconds_each_is_behind(log: Log) -> None:
    assert {status.version for status in statuses(log.database_url)} == {None}

    await log.append(opened())
    async with working(log, bookings.PROJECTION) as worker:
        await until(lambda: worker.position == 1)
    old = datetime.now(UTC) - timedelta(minutes=2)
    await log.append(booked("B1"), at=old)
    await log.append(booked("B2", "S2", user_id="other"))
    by_name = {status.name: status for status in statuses(log.database_url)}
    status = by_name["bookings"]
    assert status.version == bookings.PROJECTION.version
    assert (status.position, status.head, status.lag_events) == (1, 3, 2)
    assert timedelta(minutes=2) <= status.lag < timedelta(minutes=3)
    assert by_name["seats"].lag_events == 3


def test_status_of_a_database_that_is_away_is_a_typed_error() -> None:
    with pytest.raises(StoreUnavailable):
        statuses("postgresql://studyspot:x@127.0.0.1:9/none")


async def test_a_process_without_database_or_broker_waits_without_a_traceback() -> None:
    script = (
        "import asyncio; from studyspot.projections.app import ProjectionsProcess;"
        "from studyspot.telemetry import configure_logging; configure_logging('info', 'json');"
        "asyncio.run(ProjectionsProcess(database_url='postgresql://s:x@127.0.0.1:9/none',"
        " nats_url='nats://127.0.0.1:9').run())"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    assert process.stderr is not None
    lines: list[bytes] = []
    async with asyncio.timeout(60):
        while sum(b"projection waits for the database" in line for line in lines) < 3:
            lines.append(await process.stderr.readline())
    process.send_signal(signal.SIGTERM)
    rest = await asyncio.wait_for(process.stderr.read(), 30)
    assert await process.wait() == 0
    assert b"Traceback" not in b"".join(lines) + rest


async def test_a_process_ends_though_database_and_broker_have_gone(
    postgres_server: PostgresServer, relay: Client, nats_server: NatsServer
) -> None:
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log:
            process = ProjectionsProcess(database_url=url, nats_url=nats_server.urls.projections)
            running = asyncio.create_task(process.run())
            await log.append(opened())
            await log.publish(relay)
            await until(lambda: process.readiness().ready)
            await until_consumed(relay.jetstream())
            nats_server.kill()
            postgres_server.kill()
            await until(lambda: not postgres_server.engine.is_running())
            process.end()
            await asyncio.wait_for(running, 30)
