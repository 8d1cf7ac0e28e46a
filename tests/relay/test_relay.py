import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import psycopg
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from studyspot.broker.consumer import WatchedConsumer
from studyspot.broker.errors import EpochChanged
from studyspot.broker.stream import (
    STREAM,
    StreamMessage,
    StreamState,
    delete_stream,
    ensure_stream,
    stream_state,
)
from studyspot.catalogue.cloudevents import to_message
from studyspot.catalogue.codec import Metadata, encode
from studyspot.domain.events import LibraryDeleted
from studyspot.event_store.errors import StoreHalted
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import NewEvent
from studyspot.relay.metrics import RelayMetrics
from studyspot.relay.status import relay_status
from tests.broker.streams import LIMIT, collect, last_position, lose_disk, until
from tests.engines import NatsServer, PostgresServer
from tests.relay.running import Running, relaying, stream_reaches


def happening(number: int) -> NewEvent:
    """An event that no other number gives."""
    data = {
        "v": 1,
        "time": "2026-12-01T09:00:00Z",
        "actor": f"s{number % 7}",
        "commandid": f"c{number}",
        "traceparent": None,
        "data": {"bookingId": f"B{number}", "libraryId": f"L{number % 10}", "userId": f"s{number % 7}"},
    }
    return NewEvent("booking.created", json.dumps(data).encode(), (f"booking:B{number}",))


@asynccontextmanager
async def relay_process(log_url: str, nats_url: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.relay.process", log_url, nats_url, stdin=DEVNULL, stdout=DEVNULL
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def append(store: EventStore, first: int, last: int) -> None:
    for start in range(first, last + 1, 500):
        await store.append_async([happening(n) for n in range(start, min(start + 500, last + 1))])


def expected(store: EventStore) -> list[StreamMessage]:
    """The whole log as the stream should have it."""
    found: list[StreamMessage] = []
    for page in store.pages(0):
        for event in page:
            message = to_message(event.position, event.epoch, event.type, event.data)
            found.append(StreamMessage(event.position, message.subject, message.body))
    return found


async def stream_holds(nc: Client, wanted: list[StreamMessage]) -> None:
    """The stream holds exactly `wanted`."""
    async with WatchedConsumer(nc, after=0) as consumer:
        assert await collect(consumer, wanted[-1].position) == wanted
        assert consumer.head == wanted[-1].position


async def test_every_event_is_published_at_its_position_soon_after_its_append(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    await append(store, 1, 2300)
    async with relay():
        await stream_reaches(js, 2300)
        clock = asyncio.get_running_loop().time
        async with WatchedConsumer(nc, after=2300) as consumer:
            delays = []
            for number in range(2301, 2341):
                waiting = asyncio.ensure_future(anext(consumer))
                await store.append_async([happening(number)])
                begun = clock()
                await asyncio.wait_for(waiting, LIMIT)
                delays.append(clock() - begun)
        await stream_holds(nc, expected(store))
    assert sorted(delays)[20] < 0.1


async def test_the_stream_carries_the_epoch_and_begins_at_the_first_position(
    relay: Running, store: EventStore, js: JetStreamContext
) -> None:
    await append(store, 1, 3)
    async with relay():
        await stream_reaches(js, 3)
    assert await stream_state(js) == StreamState(1, 3, store.head().epoch)


async def test_two_relays_at_once_publish_every_position_exactly_once(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    with capture_logs() as logs:
        async with relay(), relay(), relay():
            for first in range(1, 2001, 20):
                await append(store, first, first + 19)
            await stream_reaches(js, 2000)
            await stream_holds(nc, expected(store))
    # Those that lose stand by; they do not contend for every event.
    assert len([line for line in logs if line["event"] == "relay was rejected"]) < 30


def relays_that_listen(log_url: str) -> int:
    """How many of this log's relays have begun: each is told of what is appended."""
    with psycopg.connect(log_url) as connection:
        [(count,)] = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT position FROM store.head%')"
        ).fetchall()
    return int(count)


async def test_a_relay_that_stands_by_takes_over(
    log_url: str, nats_url: str, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    async with relay_process(log_url, nats_url) as one, relay_process(log_url, nats_url):
        await until(lambda: relays_that_listen(log_url) == 2)
        number = 0
        for _ in range(40):  # Long enough for one of them to stand by.
            number += 1
            await append(store, number, number)
            await asyncio.sleep(0.05)
        await stream_reaches(js, number)
        one.kill()
        await one.wait()
        await append(store, number + 1, number + 10)
        async with asyncio.timeout(LIMIT):
            await stream_reaches(js, number + 10)
        await stream_holds(nc, expected(store))


async def test_a_relay_killed_amid_publishing_is_resumed_from_the_stream(
    log_url: str, nats_url: str, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    await append(store, 1, 8_000)
    await ensure_stream(js, epoch=store.head().epoch)
    config = (await js.stream_info(STREAM)).config
    # However long it takes to kill it: the relay is not done by then.
    await js.update_stream(config.evolve(max_msgs=4_000, discard=DiscardPolicy.NEW))
    async with relay_process(log_url, nats_url) as process:
        await stream_reaches(js, 1)
        process.kill()
        await process.wait()
    assert 1 <= await last_position(js) <= 4_000
    await js.update_stream(config)
    async with relay_process(log_url, nats_url):
        await stream_reaches(js, 8_000)
    await stream_holds(nc, expected(store))


async def test_an_erased_stream_is_published_again_and_consumers_see_nothing_of_it(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    await append(store, 1, 300)
    async with relay(), WatchedConsumer(nc, after=0) as consumer:
        everything = asyncio.ensure_future(collect(consumer, 330))
        await until(lambda: consumer.position == 300)
        await delete_stream(js)
        await append(store, 301, 320)
        await delete_stream(js)
        await append(store, 321, 330)
        async with asyncio.timeout(LIMIT):
            assert await everything == expected(store)


async def test_a_stream_erased_while_nothing_happens_is_made_again(
    relay: Running, store: EventStore, js: JetStreamContext
) -> None:
    await append(store, 1, 10)
    async with relay():
        await stream_reaches(js, 10)
        await delete_stream(js)
        async with asyncio.timeout(LIMIT):
            await stream_reaches(js, 10)


async def test_while_nats_is_down_commands_go_on_and_it_gets_everything_afterwards(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext, nats_server: NatsServer
) -> None:
    await append(store, 1, 100)
    async with relay(), WatchedConsumer(nc, after=0) as consumer:
        everything = asyncio.ensure_future(collect(consumer, 700))
        await stream_reaches(js, 100)
        nats_server.kill()
        await append(store, 101, 600)
        nats_server.restart()
        await append(store, 601, 700)
        async with asyncio.timeout(LIMIT):
            assert await everything == expected(store)


async def test_a_nats_that_lost_its_disk_gets_the_same_positions_again(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext, nats_server: NatsServer
) -> None:
    await append(store, 1, 500)
    async with relay(), WatchedConsumer(nc, after=0) as consumer:
        everything = asyncio.ensure_future(collect(consumer, 550))
        await until(lambda: consumer.position == 500)
        lose_disk(nats_server)
        nats_server.restart()
        await append(store, 501, 550)
        async with asyncio.timeout(LIMIT):
            assert await everything == expected(store)
        await stream_holds(nc, expected(store))


async def test_while_postgresql_is_down_the_relay_waits_and_then_goes_on(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext, postgres_server: PostgresServer
) -> None:
    await append(store, 1, 10)
    async with relay():
        await stream_reaches(js, 10)
        postgres_server.kill()
        postgres_server.restart()
        await append(store, 11, 20)
        await stream_reaches(js, 20)
        await stream_holds(nc, expected(store))


async def refuses_appends(store: EventStore) -> str:
    """Wait until the store is halted, and return why."""
    await until(lambda: store.head().halted is not None)
    with pytest.raises(StoreHalted) as halted:
        await store.append_async([happening(0)])
    return halted.value.reason


async def test_a_foreign_message_halts_the_appends_and_a_new_epoch_mends_it(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    await append(store, 1, 10)
    async with relay():
        await stream_reaches(js, 10)
    await js.publish("studyspot.booking.created.L1.s1", b"not ours")
    await append(store, 11, 20)
    with capture_logs() as logs:
        async with relay():
            reason = await refuses_appends(store)
            assert "position 11" in reason
            epoch = store.new_epoch()
            await stream_reaches(js, 20, epoch=epoch)
            await append(store, 21, 25)
            await stream_reaches(js, 25)
            await stream_holds(nc, expected(store))
    assert [line["log_level"] for line in logs if line["event"] == "relay and appends are halted"] == [
        "error"
    ]


async def test_a_foreign_message_while_the_relay_runs_halts_the_appends(
    relay: Running, store: EventStore, js: JetStreamContext
) -> None:
    await append(store, 1, 10)
    async with relay():
        await stream_reaches(js, 10)
        await js.publish("studyspot.booking.created.L1.s1", b"not ours")
        assert "11" in await refuses_appends(store)


async def test_a_database_restored_from_an_older_backup_halts_the_appends(
    relay: Running, store: EventStore, log_url: str, nc: Client, js: JetStreamContext
) -> None:
    await append(store, 1, 30)
    async with relay():
        await stream_reaches(js, 30)
    forget_after(log_url, 20)
    async with relay():
        assert "position 30, the store only 20" in await refuses_appends(store)
    store.new_epoch()
    await append(store, 101, 105)
    async with relay():
        await stream_reaches(js, 25, epoch=store.head().epoch)
        await stream_holds(nc, expected(store))


async def test_a_restored_database_that_has_grown_past_the_stream_is_found_by_content(
    relay: Running, store: EventStore, log_url: str, js: JetStreamContext
) -> None:
    await append(store, 1, 30)
    async with relay():
        await stream_reaches(js, 30)
    forget_after(log_url, 20)
    await append(store, 121, 150)
    async with relay():
        assert "30" in await refuses_appends(store)


async def test_a_database_restored_to_before_an_epoch_halts_the_appends_until_another_begins(
    relay: Running, store: EventStore, log_url: str, nc: Client, js: JetStreamContext
) -> None:
    await append(store, 1, 10)
    old = store.head().epoch
    async with relay():
        await stream_reaches(js, 10, epoch=old)
        await stream_reaches(js, 10, epoch=store.new_epoch())
    with psycopg.connect(log_url) as connection:
        connection.execute("UPDATE store.head SET epoch = %s", [old])
    async with relay():
        assert old in await refuses_appends(store)
        await stream_reaches(js, 10, epoch=store.new_epoch())


async def test_the_same_event_in_other_bytes_of_an_earlier_release_is_no_contradiction(
    relay: Running, store: EventStore, js: JetStreamContext
) -> None:
    deleted = LibraryDeleted(library_id="L1")
    metadata = Metadata(time=datetime(2026, 12, 1, tzinfo=UTC), command_id="c1", actor="o1")
    appended = await store.append_async([NewEvent("library.deleted", encode(deleted, metadata))])
    (wanted,) = expected(store)
    in_other_bytes = json.dumps({**json.loads(wanted.body), "extension": "of old"}, indent=1).encode()
    await ensure_stream(js, epoch=appended.epoch)
    await js.publish(wanted.subject, in_other_bytes)
    async with relay():
        await append(store, 2, 5)
        await stream_reaches(js, 5)
    assert store.head().halted is None


async def test_an_event_of_a_newer_release_in_other_bytes_is_waited_for_and_halts_nothing(
    relay: Running, store: EventStore, js: JetStreamContext
) -> None:
    newer = {"v": 99, "time": "2026-12-01T09:00:00Z", "commandid": "c1", "actor": None, "traceparent": None}
    data = json.dumps({**newer, "data": {"libraryId": "L1"}}).encode()
    appended = await store.append_async([NewEvent("library.deleted", data)])
    (wanted,) = expected(store)
    await ensure_stream(js, epoch=appended.epoch)
    await js.publish(wanted.subject, json.dumps(json.loads(wanted.body), indent=1).encode())
    with capture_logs() as logs:
        async with relay():
            await until(lambda: any("version 99" in line.get("reason", "") for line in logs))
    assert store.head().halted is None


async def test_an_event_that_no_message_can_carry_is_told_and_nothing_is_skipped(
    relay: Running, store: EventStore, js: JetStreamContext
) -> None:
    await append(store, 1, 3)
    await store.append_async([NewEvent("booking.created", b"not an event")])
    await append(store, 5, 6)
    with capture_logs() as logs:
        async with relay():
            await until(lambda: any("position 4" in line.get("reason", "") for line in logs))
    state = await stream_state(js)
    assert state is not None
    assert state.last_position == 3


def forget_after(log_url: str, position: int) -> None:
    """Leave the database as a backup of that position would be."""
    with psycopg.connect(log_url) as connection:
        connection.execute("DELETE FROM store.event_tags WHERE position > %s", [position])
        connection.execute("DELETE FROM store.events WHERE position > %s", [position])
        connection.execute("UPDATE store.head SET position = %s", [position])


async def test_a_new_epoch_is_told_to_consumers_and_the_stream_is_made_anew(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    await append(store, 1, 50)
    async with relay(), WatchedConsumer(nc, after=0) as consumer:
        assert await collect(consumer, 50) == expected(store)
        old, new = store.head().epoch, store.new_epoch()
        with pytest.raises(EpochChanged) as change:
            await asyncio.wait_for(anext(consumer), LIMIT)
        assert (change.value.expected, change.value.found) == (old, new)
        await append(store, 51, 60)
        await stream_reaches(js, 60, epoch=new)
        await stream_holds(nc, expected(store))


async def test_a_halted_store_is_not_relayed(relay: Running, store: EventStore, js: JetStreamContext) -> None:
    await append(store, 1, 10)
    store.halt("an operator looks into something")
    with capture_logs() as logs:
        async with relay():
            await until(lambda: any("halted" in line["event"] for line in logs))
            assert await stream_state(js) is None
            await stream_reaches(js, 10, epoch=store.new_epoch())


async def test_the_status_says_how_far_the_stream_is_behind(
    relay: Running, store: EventStore, js: JetStreamContext, nats_server: NatsServer
) -> None:
    epoch = store.head().epoch
    await append(store, 1, 10)
    status = await relay_status(store, js)
    assert (status.head, status.epoch, status.last_position, status.lag) == (10, epoch, None, None)
    async with relay():
        await stream_reaches(js, 10)
    await append(store, 11, 15)
    status = await relay_status(store, js)
    assert (status.last_position, status.stream_epoch, status.lag, status.halted) == (10, epoch, 5, None)
    nats_server.stop()
    status = await relay_status(store, js)
    assert (status.head, status.last_position, status.lag) == (15, None, None)


async def test_metrics_tell_lag_and_published_events_also_while_nats_is_away(
    log_url: str, nats_url: str, store: EventStore, js: JetStreamContext, nats_server: NatsServer
) -> None:
    registry = CollectorRegistry()
    async with relaying(log_url, nats_url, RelayMetrics(registry)):
        await append(store, 1, 10)
        await stream_reaches(js, 10)
        await until(lambda: registry.get_sample_value("studyspot_relay_published_events_total") == 10)
        await until(lambda: registry.get_sample_value("studyspot_relay_lag_events") == 0)
        nats_server.stop()
        await append(store, 11, 17)
        await until(lambda: registry.get_sample_value("studyspot_relay_lag_events") == 7)
