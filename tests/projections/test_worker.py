"""A worker follows the log: each event once, in order, whatever happens to broker, rival and database."""

import time
from dataclasses import replace

from nats.aio.client import Client

from studyspot.broker.stream import ensure_stream
from studyspot.catalogue.codec import Recorded
from studyspot.projections.errors import PoisonEvent, ProjectionAhead
from studyspot.projections.models import bookings, seats
from studyspot.projections.projection import PutRow, RowChange
from tests.engines import NatsServer, PostgresServer
from tests.projections.happenings import HOUR, NINE, booked, cancelled, opened, seat
from tests.projections.system import Log, a_log, until, until_consumed, working

OCCUPATIONS = "SELECT occupation, state FROM read.occupations_1_1 ORDER BY occupation"
STATUSES = "SELECT booking_id, status FROM read.bookings_1_1 ORDER BY booking_id"


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
        await until(lambda: log.position("seats") == 3, limit=4)
        begun = time.monotonic()
        await log.append(booked("B2", start=NINE + HOUR))
        await until(lambda: log.position("seats") == 4, limit=4)
        assert time.monotonic() - begun < 0.8, "once the broker is silent, the log is read at once"
    assert log.rows(OCCUPATIONS) == [("o-B1", "booked"), ("o-B2", "booked")]


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
    async with working(log, bookings.PROJECTION, url) as one, working(log, bookings.PROJECTION, url) as other:
        await log.append(opened())
        for number in range(60):
            await log.append(booked(f"B{number:02}", start=NINE + number * HOUR))
            await log.publish(relay)
        await until(lambda: one.position == other.position == 61)
    assert len(log.rows(STATUSES)) == 60


async def test_a_gap_in_the_stream_is_read_from_the_log(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    await log.append(opened(), seat(), booked("B1"))
    # The stream begins at 4: retention, or a loss, took what was before.
    await ensure_stream(relay.jetstream(), epoch=log.store.head().epoch, first_position=4)
    async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
        await log.append(booked("B2", start=NINE + HOUR))
        await log.publish(relay)
        await until(lambda: worker.position == 4)
    assert log.rows(OCCUPATIONS) == [("o-B1", "booked"), ("o-B2", "booked")]


async def test_rows_go_on_from_the_log_while_nats_is_dead(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
        await log.append(opened(), seat())
        await log.publish(relay)
        await until(lambda: worker.position == 2)
        nats_server.kill()
        await log.append(booked("B1"))
        await until(lambda: worker.position == 3, limit=2.5)
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
        await until(lambda: worker.position == 3, limit=2.5)
        nats_server.thaw()


async def test_a_worker_comes_back_to_a_stream_that_was_erased_and_made_again(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
        await log.append(opened(), seat())
        await log.publish(relay)
        await until(lambda: worker.position == 2)
        for number in range(3):
            await log.erase_stream(relay)
            position = await log.append(booked(f"B{number}", start=NINE + number * HOUR))
            await log.publish(relay)
            await until(lambda: worker.position == position, limit=5)  # noqa: B023  # Awaited here.
        # The consumer itself is back: the worker is not left to the log.
        await until_consumed(relay.jetstream())


async def test_a_stream_of_another_history_is_not_applied(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    await log.append(opened(), seat())
    await log.publish(relay)
    # The stream holds an event that the log lost, as after the restore of an older backup.
    await relay.jetstream().publish("studyspot.booking.created.L1.student", b"{}")
    async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
        await until(lambda: worker.position == 2)
        await log.append(booked("B1"))
        await until(lambda: worker.position == 3)
    assert log.rows(OCCUPATIONS) == [("o-B1", "booked")]


async def test_a_poison_event_stops_the_projection_at_its_position(log: Log) -> None:
    def changes(recorded: Recorded) -> tuple[RowChange, ...]:
        if recorded.position == 3:
            raise ZeroDivisionError("planted")
        return bookings.changes(recorded)

    await log.append(
        opened(), booked("B1"), booked("B2", start=NINE + HOUR), booked("B3", start=NINE + 2 * HOUR)
    )
    async with working(log, replace(bookings.PROJECTION, changes=changes)) as worker:
        await until(lambda: worker.stopped)
    assert isinstance(worker.stopped, PoisonEvent)
    assert worker.stopped.position == 3
    assert log.position("bookings") == 2
    assert log.rows(STATUSES) == [("B1", "confirmed")]


async def test_a_row_that_the_database_refuses_is_poison_too(log: Log) -> None:
    def changes(recorded: Recorded) -> tuple[RowChange, ...]:
        (change,) = bookings.changes(recorded)
        if recorded.position == 3 and isinstance(change, PutRow):
            return (PutRow(change.table, {**change.row, "status": None}),)
        return (change,)

    await log.append(opened(), booked("B1"), booked("B2", start=NINE + HOUR))
    async with working(log, replace(bookings.PROJECTION, changes=changes)) as worker:
        await until(lambda: worker.stopped)
    assert isinstance(worker.stopped, PoisonEvent)
    assert worker.stopped.position == 3
    assert log.position("bookings") == 2


async def test_a_worker_waits_for_a_database_that_is_away_and_goes_on(
    postgres_server: PostgresServer,
) -> None:
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log, working(log, seats.PROJECTION) as worker:
            await log.append(opened(), seat())
            await until(lambda: worker.position == 2)
            postgres_server.kill()
            await until(lambda: not postgres_server.engine.is_running())
            postgres_server.restart()
            await log.append(booked("B1"))
            await until(lambda: worker.position == 3, limit=15)


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
