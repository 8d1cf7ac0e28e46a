"""A worker follows the log: each event once, in order, whatever happens to broker, rival and database."""

import asyncio
import time
from dataclasses import replace

import psycopg
from nats.aio.client import Client
from structlog.testing import capture_logs

from studyspot.broker.stream import StreamMessage
from studyspot.catalogue.cloudevents import to_message
from studyspot.catalogue.codec import Metadata, Recorded, encode
from studyspot.catalogue.types import type_of
from studyspot.domain.events import Event
from studyspot.projections.builds import CHANNEL
from studyspot.projections.errors import ProjectionAhead
from studyspot.projections.models import bookings, seats
from studyspot.projections.projection import RowChange
from studyspot.projections.worker import Worker
from tests.engines import NatsServer, PostgresServer
from tests.projections.happenings import HOUR, NINE, booked, cancelled, opened, seat
from tests.projections.system import Log, a_log, until, until_consumed, working

OCCUPATIONS = "SELECT occupation, state FROM read.occupations_2_1 ORDER BY occupation"
PATIENCE = 30.0
"""Seconds for a notice that has to come."""
STATUSES = "SELECT booking_id, status FROM read.bookings_4_1 ORDER BY booking_id"


async def test_events_from_the_broker_become_rows_and_a_position(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    async with working(log, seats.PROJECTION, nats_server.urls.projections):
        first = booked("B1")
        position = await log.append(
            opened(), seat(), first, booked("B2", start=NINE + HOUR), cancelled(first)
        )
        await log.publish(relay)
        await until(lambda: log.position("seats") == position)
    assert log.rows(OCCUPATIONS) == [("o-B2", "booked")]


async def test_a_worker_without_a_broker_reads_the_log(log: Log) -> None:
    async with working(log, seats.PROJECTION):
        await log.append(opened(), seat(), booked("B1"))
        await until(lambda: log.position("seats") == 3)
        waits = []
        for number in range(2, 7):
            begun = time.monotonic()
            position = await log.append(booked(f"B{number}", start=NINE + number * HOUR))
            await until(lambda: log.position("seats") == position)  # noqa: B023  # Awaited here.
            waits.append(time.monotonic() - begun)
    # Who waits for the broker does so each time; a busy machine is not so slow each time.
    assert min(waits) < 0.8, "once the broker is silent, the log is read at once"
    assert log.rows(OCCUPATIONS) == [(f"o-B{number}", "booked") for number in range(1, 7)]


async def test_a_restarted_worker_goes_on_from_its_position(log: Log) -> None:
    applied: list[int] = []

    def changes(recorded: Recorded) -> tuple[RowChange, ...]:
        applied.append(recorded.position)
        return bookings.changes(recorded)

    counting = replace(bookings.PROJECTION, changes=changes)
    await log.append(opened(), seat(), booked("B1"))
    async with working(log, counting):
        await until(lambda: log.position("bookings") == 3)
    await log.append(cancelled(booked("B1")))
    async with working(log, counting):
        await until(lambda: log.position("bookings") == 4)
    assert applied == [1, 3, 4], "the seat is none of its events, and nothing is applied twice"
    assert log.rows(STATUSES) == [("B1", "cancelled")]


async def test_messages_delivered_again_change_nothing(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    applied: list[int] = []

    def changes(recorded: Recorded) -> tuple[RowChange, ...]:
        applied.append(recorded.position)
        return bookings.changes(recorded)

    await log.append(opened(), booked("B1"))
    await log.publish(relay)
    counting = replace(bookings.PROJECTION, changes=changes)
    async with working(log, counting, nats_server.urls.projections) as worker:
        await until(lambda: log.position("bookings") == 2)
        # The stream is erased and filled again from the beginning: the same messages at the same positions.
        await log.erase_stream(relay)
        await log.publish(relay)
        await log.append(cancelled(booked("B1")))
        await log.publish(relay)
        await until(lambda: worker.position == 3)
    assert applied == [1, 2, 3]
    assert log.rows(STATUSES) == [("B1", "cancelled")]


async def test_of_two_workers_one_wins_each_batch(log: Log, relay: Client, nats_server: NatsServer) -> None:
    url = nats_server.urls.projections
    with psycopg.connect(log.database_url, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        async with (
            working(log, bookings.PROJECTION, url) as one,
            working(log, bookings.PROJECTION, url) as other,
        ):
            await log.append(opened())
            for number in range(60):
                await log.append(booked(f"B{number:02}", start=NINE + number * HOUR))
                await log.publish(relay)
            await until(lambda: one.position == other.position == 61)
            told = await asyncio.to_thread(positions_told, listener, 61)
    assert len(log.rows(STATUSES)) == 60
    assert told == sorted(set(told)), "both have written the same batch"
    assert told[-1] == 61


def positions_told(listener: psycopg.Connection, last: int) -> list[int]:
    """What is told up to the last position, and a little more where it is told again."""
    told: list[int] = []
    while last not in told:
        told += [
            int(notice.payload.split()[-1]) for notice in listener.notifies(timeout=PATIENCE, stop_after=1)
        ]
    return told + [int(notice.payload.split()[-1]) for notice in listener.notifies(timeout=0.2)]


async def test_a_gap_in_what_comes_is_read_from_the_log(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    waits = []
    async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
        await log.append(opened(), seat())
        await followed(log, relay, worker)
        for number in range(0, 6, 2):
            taken = [booked(f"B{each}", start=NINE + each * HOUR) for each in (number, number + 1)]
            begun = time.monotonic()
            position = await log.append(*taken)
            worker.inbox.put((message(log, position, taken[-1]),))
            await until(lambda: worker.position == position)  # noqa: B023  # Awaited here.
            waits.append(time.monotonic() - begun)
    assert min(waits) < 0.8, "what is missing is not waited for"
    assert log.rows(OCCUPATIONS) == [(f"o-B{number}", "booked") for number in range(6)]


async def followed(log: Log, relay: Client, worker: Worker) -> None:
    """Bring the worker to the point where it is at the head, and the broker has brought the last event."""
    await log.publish(relay)
    await until_consumed(relay.jetstream())
    position = await log.append(opened("another"))
    await log.publish(relay)
    await until(lambda: worker.position == position)


def message(log: Log, position: int, event: Event) -> StreamMessage:
    """The message that the relay would publish for this event."""
    data = encode(event, Metadata(time=NINE, command_id="c"))
    made = to_message(position, log.store.head().epoch, type_of(type(event)), data)
    return StreamMessage(position, made.subject, made.body)


async def test_rows_go_on_from_the_log_while_nats_is_dead(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
        await log.append(opened(), seat())
        await log.publish(relay)
        await until(lambda: worker.position == 2)
        nats_server.kill()
        await log.append(booked("B1"))
        await until(lambda: worker.position == 3)
        nats_server.restart()
        await log.append(booked("B2", start=NINE + HOUR))
        await until(lambda: relay.is_connected)
        await log.publish(relay)
        await until(lambda: worker.position == 4)
    assert log.rows(OCCUPATIONS) == [("o-B1", "booked"), ("o-B2", "booked")]


async def test_a_frozen_broker_does_not_stop_the_rows(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
        await log.append(opened(), seat())
        await log.publish(relay)
        await until(lambda: worker.position == 2)
        nats_server.freeze()
        await log.append(booked("B1"))
        await until(lambda: worker.position == 3)
        nats_server.thaw()


async def test_a_worker_comes_back_to_a_stream_that_was_erased_and_made_again(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
        await log.append(opened(), seat())
        await followed(log, relay, worker)
        for number in range(3):
            await log.erase_stream(relay)
            position = await log.append(booked(f"B{number}", start=NINE + number * HOUR))
            await log.publish(relay)
            await until(lambda: worker.position == position)  # noqa: B023  # Awaited here.
            # The worker is not left to the log: its consumer is back as well.
            await until_consumed(relay.jetstream())


async def test_a_stream_of_another_history_is_not_applied(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
        await log.append(opened(), seat())
        await followed(log, relay, worker)
        # The stream holds an event that the log lost, as after the restore of an older backup.
        lost = message(log, 4, booked("lost"))
        with capture_logs() as lines:
            await relay.jetstream().publish(lost.subject, lost.body)
            await until(lambda: any(line["event"] == "stream is ahead of the log" for line in lines))
        position = await log.append(booked("B1"))
        assert position == lost.position
        await until(lambda: worker.position == position)
    assert log.rows(OCCUPATIONS) == [("o-B1", "booked")]


async def test_a_worker_waits_for_a_database_that_is_away_and_goes_on(
    postgres_server: PostgresServer,
) -> None:
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log, working(log, seats.PROJECTION) as worker:
            await log.append(opened(), seat())
            await until(lambda: worker.position == 2)
            postgres_server.kill()
            await until(lambda: not worker.keeps_up)
            await until(lambda: not postgres_server.engine.is_running())
            postgres_server.restart()
            await log.append(booked("B1"))
            await until(lambda: worker.position == 3 and worker.keeps_up)


async def test_a_new_epoch_is_recorded_though_nothing_happens(log: Log) -> None:
    await log.append(opened())
    async with working(log, seats.PROJECTION) as worker:
        await until(lambda: worker.position == 1)
        epoch = log.store.new_epoch()
        await until(lambda: log.rows("SELECT epoch FROM read.builds") == [(epoch,)])


async def test_rows_of_events_that_the_log_lost_are_refused_with_the_mend(log: Log) -> None:
    await log.append(opened(), seat())
    async with working(log, seats.PROJECTION) as worker:
        await until(lambda: worker.position == 2)
    log.rows("UPDATE read.builds SET position = 9 RETURNING 1")
    log.store.new_epoch()
    async with working(log, seats.PROJECTION) as worker:
        await until(lambda: worker.stopped)
    assert isinstance(worker.stopped, ProjectionAhead)
    assert worker.stopped.mend == "`studyspot projections rebuild seats`"
