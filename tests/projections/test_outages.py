"""The broker goes away in every way it can: rows go on from the log, and the feed comes back by itself."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from nats.aio.client import Client
from structlog.testing import capture_logs

from studyspot.broker.connection import connect
from studyspot.broker.stream import STREAM, delete_stream, ensure_stream
from studyspot.projections.app import run_workers
from studyspot.projections.feed import Beginning, Feed
from studyspot.projections.inbox import Inbox
from studyspot.projections.models import bookings, seats
from studyspot.relay.relay import Relay
from studyspot.ws_fanout.ending import end_tasks
from tests.engines import NatsServer
from tests.projections.happenings import HOUR, NINE, booked, opened, seat
from tests.projections.system import Log, until, until_consumed, working

BACK_WITHIN = timedelta(seconds=30)
EPOCH = "e1"
WHILE_SLOW = 40


@asynccontextmanager
async def feeding(nats_server: NatsServer, position: Callable[[], int] = lambda: 0) -> AsyncIterator[Inbox]:
    """What a feed brings that is asked for everything after `position()`."""
    inbox = Inbox()
    feed = Feed(nats_server.urls.projections, [inbox], lambda: Beginning(position(), EPOCH))
    task = asyncio.create_task(feed.run())
    try:
        yield inbox
    finally:
        await end_tasks([task])
        if not task.cancelled():
            task.result()


async def publish(relay: Client, count: int = 1) -> int:
    """Add messages to the stream; return the position of the last one."""
    for _ in range(count):
        acknowledged = await relay.jetstream().publish("studyspot.booking.created.L1.student", b"{}")
    return acknowledged.seq


async def made_again(relay: Client, messages: int = 0) -> None:
    """Erase the stream, and fill another from the beginning, as the relay would."""
    await delete_stream(relay.jetstream())
    await ensure_stream(relay.jetstream(), epoch=EPOCH)
    if messages:
        await publish(relay, messages)


async def brought(inbox: Inbox, position: int) -> list[int]:
    """Return the positions of what comes, up to `position`, which must come in time."""
    positions: list[int] = []
    async with asyncio.timeout(BACK_WITHIN.total_seconds()):
        while position not in positions:
            positions += [message.position for message in await inbox.next(BACK_WITHIN)]
    return positions


async def test_a_stream_erased_while_nothing_happens_is_followed_from_where_the_workers_are(
    relay: Client, nats_server: NatsServer
) -> None:
    await ensure_stream(relay.jetstream(), epoch=EPOCH)
    await publish(relay, 3)
    async with feeding(nats_server, lambda: 3) as inbox:
        await until_consumed(relay.jetstream())
        await made_again(relay, messages=3)
        await publish(relay)
        assert await brought(inbox, 4) == [4], "a consumer that had received nothing begins at 1 again"


async def test_a_stream_erased_several_times_in_a_row_is_followed_after_the_last(
    relay: Client, nats_server: NatsServer
) -> None:
    await ensure_stream(relay.jetstream(), epoch=EPOCH)
    reached = 0
    async with feeding(nats_server, lambda: reached) as inbox:
        await until_consumed(relay.jetstream())
        for round_ in range(1, 4):
            # Some of these fall between the feed's looks, some upon them.
            for _ in range(4):
                await made_again(relay, messages=reached)
            last = await publish(relay)
            assert last == round_
            assert (await brought(inbox, last))[-1] == last
            reached = last


async def test_a_stream_that_stays_away_for_a_while_is_followed_when_it_is_there(
    relay: Client, nats_server: NatsServer
) -> None:
    await ensure_stream(relay.jetstream(), epoch=EPOCH)
    async with feeding(nats_server) as inbox:
        await until_consumed(relay.jetstream())
        await delete_stream(relay.jetstream())
        assert not await inbox.next(timedelta(seconds=2))
        await ensure_stream(relay.jetstream(), epoch=EPOCH)
        last = await publish(relay)
        assert await brought(inbox, last) == [1]


async def test_a_consumer_deleted_under_the_feed_is_made_again(
    relay: Client, nats_server: NatsServer
) -> None:
    await ensure_stream(relay.jetstream(), epoch=EPOCH)
    administrator = await connect(nats_server.urls.admin, name="test")
    reached = 0
    try:
        async with feeding(nats_server, lambda: reached) as inbox:
            for _ in range(3):
                await until_consumed(relay.jetstream())
                # On a busy machine there may be an older one beside it, which is about to be forgotten.
                for consumer in await administrator.jetstream().consumers_info(STREAM):
                    await administrator.jetstream().delete_consumer(STREAM, consumer.name)
                last = await publish(relay)
                assert await brought(inbox, last) == [last]
                reached = last
    finally:
        await administrator.close()


async def test_a_frozen_server_is_followed_on_once_it_is_thawed(
    relay: Client, nats_server: NatsServer
) -> None:
    await ensure_stream(relay.jetstream(), epoch=EPOCH)
    reached = 0
    async with feeding(nats_server, lambda: reached) as inbox:
        await until_consumed(relay.jetstream())
        reached = await publish(relay)
        await brought(inbox, reached)
        nats_server.freeze()
        assert not await inbox.next(timedelta(seconds=3))
        nats_server.thaw()
        await until(lambda: relay.is_connected)
        last = await publish(relay)
        assert (await brought(inbox, last))[-1] == last


async def test_a_feed_that_the_server_has_shut_out_comes_back_when_it_is_let_in(
    relay: Client, nats_server: NatsServer
) -> None:
    await ensure_stream(relay.jetstream(), epoch=EPOCH)
    reached = 0
    async with feeding(nats_server, lambda: reached) as inbox:
        await until_consumed(relay.jetstream())
        reached = await publish(relay)
        await brought(inbox, reached)
        password = urlsplit(nats_server.urls.projections).password
        assert password is not None
        with capture_logs() as lines:
            change_configuration(nats_server, password, "another")
            await until(lambda: any(line["event"].startswith("broker is away") for line in lines))
        change_configuration(nats_server, "another", password)
        last = await publish(relay)
        assert (await brought(inbox, last))[-1] == last


def change_configuration(nats_server: NatsServer, old: str, new: str) -> None:
    """Let the server read its configuration again with one text in it replaced."""
    assert nats_server.engine.pid is not None
    arguments = Path(f"/proc/{nats_server.engine.pid}/cmdline").read_text().split("\0")
    configuration = Path(arguments[arguments.index("--config") + 1])
    text = configuration.read_text()
    assert old in text
    configuration.write_text(text.replace(old, new))
    os.kill(nats_server.engine.pid, signal.SIGHUP)


async def test_workers_that_start_without_nats_read_the_log_and_follow_the_broker_later(
    log: Log, nats_server: NatsServer
) -> None:
    nats_server.stop()
    async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
        position = await log.append(opened(), seat())
        await until(lambda: worker.position == position)
        nats_server.restart()
        relay = await connect(nats_server.urls.relay, name="test")
        try:
            await log.publish(relay)
            await until_consumed(relay.jetstream())
            position = await log.append(booked())
            await log.publish(relay)
            await until(lambda: worker.position == position)
        finally:
            await relay.close()


async def test_a_slow_projection_misses_nothing_and_does_not_delay_the_others(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    slow, quick = log.worker(seats.PROJECTION), log.worker(bookings.PROJECTION)
    running = asyncio.create_task(run_workers([slow, quick], nats_server.urls.projections))
    try:
        await log.append(opened(), seat())
        await log.publish(relay)
        await until(lambda: slow.position == quick.position == 2)
        await until_consumed(relay.jetstream())
        with psycopg.connect(log.database_url) as holder:
            holder.execute("SELECT FROM read.builds WHERE name = 'seats' FOR UPDATE")
            for number in range(WHILE_SLOW):
                position = await log.append(booked(f"B{number:02}", start=NINE + number * HOUR))
                await log.publish(relay)
                await until(lambda: quick.position == position)  # noqa: B023  # Awaited here.
            assert slow.position == 2
        await until(lambda: slow.position == position)
    finally:
        for worker in (slow, quick):
            worker.end()
        await asyncio.wait_for(running, 30)
    assert log.rows("SELECT count(*) FROM read.occupations_2_1") == [(WHILE_SLOW,)]


async def test_workers_come_back_to_an_erased_stream_while_bookings_go_on(
    log: Log, nats_server: NatsServer
) -> None:
    relay = await connect(nats_server.urls.relay, name="relay")
    tasks = [asyncio.create_task(Relay(log.store, relay, log.signal).run())]
    inbox = Inbox()
    feed = Feed(
        nats_server.urls.projections, [inbox], lambda: Beginning(worker.position, log.store.head().epoch)
    )
    try:
        async with working(log, seats.PROJECTION, nats_server.urls.projections) as worker:
            position = await log.append(opened(), seat())
            tasks.append(asyncio.create_task(feed.run()))
            await until(lambda: worker.position == position)
            for round_ in range(3):
                await delete_stream(relay.jetstream())
                async with asyncio.timeout(BACK_WITHIN.total_seconds()):
                    come: list[int] = []
                    while position not in come:
                        booking = f"B{round_}-{len(come)}-{position}"
                        position = await log.append(booked(booking, start=NINE + position * HOUR))
                        come = [message.position for message in await inbox.next(timedelta(milliseconds=500))]
                await until(lambda: worker.position == position)  # noqa: B023  # Awaited here.
    finally:
        await end_tasks(tasks)
        await relay.close()
    assert log.rows("SELECT count(*) FROM read.occupations_2_1") == [(position - 2,)]
