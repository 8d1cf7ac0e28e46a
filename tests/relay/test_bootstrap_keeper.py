"""The bootstrap bucket follows the log behind the publishing, and never holds it up."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from studyspot.broker.bootstrap import KEYS, BootstrapWriter, Reached, key_of, read_bootstrap
from studyspot.broker.buckets import BOOTSTRAP, stream_of
from studyspot.broker.errors import BrokerError, PublishRejected
from studyspot.broker.publisher import FencedPublisher
from studyspot.catalogue.cloudevents import to_message
from studyspot.catalogue.codec import Metadata, encode
from studyspot.catalogue.types import type_of
from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    Event,
    LibraryCreated,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
    StaffAdded,
    StaffRemoved,
)
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import NewEvent
from studyspot.relay.bootstrap_keeper import BootstrapKeeper
from studyspot.relay.messages import messages_of
from studyspot.relay.metrics import RelayMetrics
from studyspot.ws_fanout.ending import end_tasks
from tests.broker.streams import until
from tests.engines import NatsServer
from tests.relay.running import Running, relaying, stream_reaches

LIMIT = 60
BUCKET = stream_of(BOOTSTRAP)


def library(number: int) -> LibraryCreated:
    return LibraryCreated(
        library_id=f"L{number}",
        owner_id="o1",
        currency="INR",
        name="Q",
        city="Pune",
        time_zone="Asia/Kolkata",
    )


def seat(number: int) -> SeatAdded:
    return SeatAdded(library_id="L1", seat_id=f"S{number}", label=str(number), zone="quiet")


def service(number: int, *, in_service: bool) -> SeatAvailabilityChanged:
    return SeatAvailabilityChanged(library_id="L1", seat_id=f"S{number}", in_service=in_service)


def priced(version: int) -> PricingUpdated:
    return PricingUpdated(library_id="L1", price_version=version, currency="INR", plans=())


EVENTS: Sequence[Event] = (
    *(library(1), seat(1), library(2), priced(1)),
    *(StaffAdded(library_id="L1", user_id=user, invitation_id="I1") for user in ("t1", "t2")),
    *(AccountDisabled(user_id="s1"), AccountDisabled(user_id="s2"), seat(2)),
    *(AccountEnabled(user_id="s2"), AccountErased(user_id="s1"), priced(2)),
    *(StaffRemoved(library_id="L1", user_id="t1"), seat(3)),
    *(service(1, in_service=False), service(2, in_service=False), service(1, in_service=True)),
)


async def append(store: EventStore, *events: Event) -> int:
    """Append events, and return the position of the last."""
    metadata = Metadata(time=datetime(2026, 12, 1, 9, tzinfo=UTC), command_id="c1")
    new = [NewEvent(type_of(type(event)), encode(event, metadata)) for event in events]
    return (await store.append_async(new)).position


def compacted(store: EventStore) -> tuple[Reached, set[bytes]]:
    """What the log says has to be in the bucket."""
    newest: dict[str, bytes] = {}
    for page in store.pages(0):
        for event in page:
            message = to_message(event.position, event.epoch, event.type, event.data)
            if key := key_of(message.subject, message.body):
                newest[key] = message.body
    head = store.head()
    return Reached(head.epoch, head.position, KEYS), set(newest.values())


async def bucket_follows(nc: Client, js: JetStreamContext, store: EventStore) -> None:
    """The bucket comes to hold just what the log says."""
    wanted, found = compacted(store), None
    async with asyncio.timeout(LIMIT):
        while found != wanted:
            await asyncio.sleep(0.05)
            try:
                bootstrap = await read_bootstrap(nc, js)
            except BrokerError:
                continue
            found = (bootstrap.reached, set(bootstrap.messages)) if bootstrap is not None else None


async def test_the_newest_of_each_key_is_in_the_bucket_soon_after_it_is_published(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    await append(store, *EVENTS)
    async with relay():
        await bucket_follows(nc, js, store)
        await append(store, seat(4))
        await bucket_follows(nc, js, store)
        await append(store, StaffRemoved(library_id="L1", user_id="t2"), library(3))
        await bucket_follows(nc, js, store)


async def test_a_long_log_is_copied_part_by_part(store: EventStore, nc: Client, js: JetStreamContext) -> None:
    keeper = BootstrapKeeper(store, nc, metrics=RelayMetrics(CollectorRegistry()), span=3)
    keeping = asyncio.create_task(keeper.run())
    for _ in range(2):
        keeper.tell(store.head().epoch, await append(store, *EVENTS))
        await bucket_follows(nc, js, store)
    await end_tasks([keeping])


async def test_after_an_outage_of_the_relay_the_bucket_is_brought_up_to_date_and_not_filled_anew(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    await append(store, *EVENTS)
    async with relay():
        await bucket_follows(nc, js, store)
    before = (await js.stream_info(BUCKET)).state.last_seq
    await append(store, library(3), seat(4))
    async with relay():
        await bucket_follows(nc, js, store)
    assert (await js.stream_info(BUCKET)).state.last_seq == before + 2


async def test_a_bucket_that_is_lost_while_nothing_happens_is_filled_again(
    relay: Running,
    store: EventStore,
    nc: Client,
    js: JetStreamContext,
) -> None:
    await append(store, *EVENTS)
    async with relay():
        await bucket_follows(nc, js, store)
        await js.delete_key_value(BOOTSTRAP)
        await bucket_follows(nc, js, store)


@pytest.mark.parametrize("said", ["another epoch", "ahead of the log", "other keys", "incomplete"])
async def test_a_bucket_that_is_not_of_this_log_is_filled_anew_and_keeps_nothing_of_what_it_held(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext, said: str
) -> None:
    await append(store, *EVENTS)
    here, _ = compacted(store)
    reached = {
        "another epoch": replace(here, epoch="k0"),
        "ahead of the log": replace(here, position=here.position + 1),
        "other keys": replace(here, keys={**KEYS, "staff.suspended": "staff.{library}.{user}"}),
        "incomplete": None,
    }[said]
    writer = BootstrapWriter(nc, js)
    await writer.look()
    await writer.put({"staff.L9.t9": b"foreign", "library.L1": b"foreign"}, reached)
    await writer.close()
    async with relay():
        await bucket_follows(nc, js, store)


async def test_a_new_epoch_has_a_bucket_of_its_own(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    await append(store, *EVENTS)
    async with relay():
        await bucket_follows(nc, js, store)
        await asyncio.to_thread(store.new_epoch)
        await append(store, library(3))
        await bucket_follows(nc, js, store)


async def test_several_relays_at_once_leave_what_the_log_says(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    async with relay(), relay(), relay():
        for _ in range(15):
            await append(store, *EVENTS)
        await bucket_follows(nc, js, store)


async def test_where_every_relay_stands_by_the_bucket_is_kept_all_the_same(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    rival = FencedPublisher(nc)  # One that keeps no bucket, as those that stand by did.

    async def publish_first() -> None:
        after = store.head().position
        await append(store, *EVENTS)
        messages, _ = messages_of(await store.read_page_async(after, limit=100))
        with suppress(PublishRejected):
            await rival.publish(messages)

    async with relay():
        with capture_logs() as logs:
            async with asyncio.timeout(LIMIT):
                while not any(entry["event"] == "relay stands by for another" for entry in logs):
                    await publish_first()
        await publish_first()
        await bucket_follows(nc, js, store)
    await rival.close()


async def test_events_go_on_being_published_while_the_bucket_cannot_be_written(
    log_url: str, nats_server: NatsServer, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    metrics = RelayMetrics(CollectorRegistry())
    await append(store, *EVENTS)
    async with relaying(log_url, nats_server.urls.relay, metrics):
        await bucket_follows(nc, js, store)
        await js.delete_key_value(BOOTSTRAP)
        # Something else has its subjects: the relay cannot make it.
        await js.add_stream(name="squatter", subjects=[f"$KV.{BOOTSTRAP}.>"])
        for number in range(30):
            head = await append(store, library(number))
            await stream_reaches(js, head)
        # It is told of what is published only after that.
        await until(lambda: metrics.bootstrap_lag._value.get() >= 30)
        await js.delete_stream("squatter")
        await bucket_follows(nc, js, store)


async def test_the_bucket_follows_again_after_nats_was_killed(
    relay: Running, nats_server: NatsServer, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    await append(store, *EVENTS)
    async with relay():
        await bucket_follows(nc, js, store)
        nats_server.kill()
        await append(store, library(3))
        nats_server.restart()
        await bucket_follows(nc, js, store)


async def test_a_keeper_that_was_held_up_writes_nothing_old(
    relay: Running, store: EventStore, nc: Client, js: JetStreamContext
) -> None:
    await append(store, *EVENTS)
    held_up = BootstrapWriter(nc, js)
    async with relay():
        await bucket_follows(nc, js, store)
        await held_up.look()
        await append(store, StaffRemoved(library_id="L1", user_id="t2"))
        await bucket_follows(nc, js, store)
        with pytest.raises(PublishRejected):
            await held_up.put({"staff.L1.t2": b"old"}, None)
        await bucket_follows(nc, js, store)
    await held_up.close()
