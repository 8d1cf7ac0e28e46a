"""Each service's user on NATS can do its work, and nothing beside it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

import nats
import pytest
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import ConsumerConfig, DeliverPolicy

from studyspot.broker.bootstrap import KEYS, BootstrapWriter, Reached, read_bootstrap
from studyspot.broker.buckets import NAMES, ensure_buckets, get_name, put_name
from studyspot.broker.connection import connect
from studyspot.broker.consumer import WatchedConsumer
from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.stream import StreamMessage, delete_stream, ensure_stream, message_at, stream_state
from studyspot.embedded.nats_permissions import SERVICES
from tests.engines import NatsServer

LIMIT = 30
READERS = ["api", "projections", "policies", "fanout", "analytics"]
NAME_READERS = ["relay", "api", "projections", "policies", "fanout"]
# Enough for the server to ask for flow control several times.
MANY = 3000


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Client]:
    connection = await connect(url, name="test")
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def stream(nats_server: NatsServer) -> NatsServer:
    """A server whose stream holds one event, made and published by the relay, and one name, by the API."""
    async with connected(nats_server.urls.relay) as relay:
        await ensure_stream(relay.jetstream(), epoch="e1")
        event = StreamMessage(1, "studyspot.library.l1.library.created", b"{}")
        await FencedPublisher(relay).publish([event])
    async with connected(nats_server.urls.api) as api:
        await ensure_buckets(api.jetstream(), (NAMES,))
        await put_name(api.jetstream(), "u1", "Ada")
    return nats_server


def url_of(server: NatsServer, service: str) -> str:
    return str(asdict(server.urls)[service])


async def refusal(url: str, act: Callable[[Client], Awaitable[object]]) -> str:
    """What the server says against `act`, which publishes or subscribes without waiting for an answer.

    Raises:
        TimeoutError: nothing, within the limit.
    """
    told: asyncio.Queue[str] = asyncio.Queue()

    async def tell(error: Exception) -> None:
        await told.put(str(error).lower())

    connection = await nats.connect(url, error_cb=tell, connect_timeout=LIMIT)
    try:
        await act(connection)
        async with asyncio.timeout(LIMIT):
            while "permissions violation" not in (said := await told.get()):
                pass
    finally:
        await connection.close()
    return said


def test_every_service_has_a_user(nats_server: NatsServer) -> None:
    assert set(asdict(nats_server.urls)) == set(SERVICES)


async def test_the_relay_may_erase_and_make_the_stream(stream: NatsServer) -> None:
    async with connected(stream.urls.relay) as relay:
        await delete_stream(relay.jetstream())
        state = await ensure_stream(relay.jetstream(), epoch="e2", first_position=5)
    assert state.epoch == "e2"


@pytest.mark.parametrize("service", READERS)
async def test_a_reader_follows_the_stream_and_looks_at_it(stream: NatsServer, service: str) -> None:
    async with connected(url_of(stream, service)) as reader, asyncio.timeout(LIMIT):
        assert await stream_state(reader.jetstream()) is not None
        assert await message_at(reader.jetstream(), 1) is not None
        async with WatchedConsumer(reader, after=0) as consumer:
            batch = await anext(consumer)
    assert [message.position for message in batch] == [1]


async def test_a_reader_may_answer_the_servers_flow_control(stream: NatsServer) -> None:
    async with connected(stream.urls.relay) as relay:
        messages = [StreamMessage(position, "studyspot.x", b"x" * 4096) for position in range(2, MANY + 1)]
        await FencedPublisher(relay).publish(messages)
    async with (
        asyncio.timeout(LIMIT),
        connected(stream.urls.analytics) as reader,
        WatchedConsumer(reader, after=0) as consumer,
    ):
        while consumer.position < MANY:
            await anext(consumer)


@pytest.mark.parametrize("service", READERS)
async def test_a_reader_may_make_a_durable_pull_consumer_and_acknowledge(
    stream: NatsServer, service: str
) -> None:
    async with connected(url_of(stream, service)) as reader:
        config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
        subscription = await reader.jetstream().pull_subscribe(
            "studyspot.>", durable=service, stream="STUDYSPOT", config=config
        )
        (message,) = await subscription.fetch(1, timeout=LIMIT)
        await message.ack_sync(timeout=LIMIT)
        info = await subscription.consumer_info()
    assert info.ack_floor is not None
    assert info.ack_floor.stream_seq == 1


@pytest.mark.parametrize("service", READERS)
@pytest.mark.parametrize(
    "subject",
    [
        "studyspot.library.l1.library.created",
        "$JS.API.STREAM.CREATE.STUDYSPOT",
        "$JS.API.STREAM.UPDATE.STUDYSPOT",
        "$JS.API.STREAM.DELETE.STUDYSPOT",
        "$JS.API.STREAM.PURGE.STUDYSPOT",
        "$JS.API.STREAM.MSG.DELETE.STUDYSPOT",
        "$JS.API.STREAM.RESTORE.STUDYSPOT",
        "anything.else",
    ],
)
async def test_only_the_relay_publishes_events_and_touches_the_stream(
    stream: NatsServer, service: str, subject: str
) -> None:
    assert await refusal(url_of(stream, service), lambda reader: reader.publish(subject, b"{}"))
    async with connected(stream.urls.admin) as admin:
        state = await stream_state(admin.jetstream())
    assert state is not None
    assert state.last_position == 1


@pytest.mark.parametrize("service", NAME_READERS)
async def test_names_are_read_by_those_who_show_them(stream: NatsServer, service: str) -> None:
    async with connected(url_of(stream, service)) as reader:
        assert await get_name(reader.jetstream(), "u1") == "Ada"


@pytest.mark.parametrize("service", ["relay", "projections", "policies", "fanout", "analytics"])
async def test_names_are_written_by_the_api_alone(stream: NatsServer, service: str) -> None:
    assert await refusal(url_of(stream, service), lambda reader: reader.publish("$KV.names.u1", b"Eve"))
    async with connected(stream.urls.api) as api:
        assert await get_name(api.jetstream(), "u1") == "Ada"


@pytest.fixture
async def bootstrap(stream: NatsServer) -> NatsServer:
    """The server with a bootstrap bucket, made and filled by the relay."""
    async with connected(stream.urls.relay) as relay:
        writer = BootstrapWriter(relay, relay.jetstream())
        assert await writer.look() is None
        await writer.put({"library.L1": b"{}"}, Reached("e1", 1, KEYS))
        assert await writer.keys() == {"library.L1"}
        await writer.close()
    return stream


async def test_the_fanout_reads_the_bootstrap_bucket(bootstrap: NatsServer) -> None:
    async with connected(bootstrap.urls.fanout) as fanout:
        found = await read_bootstrap(fanout, fanout.jetstream())
    assert found is not None
    assert found.messages == (b"{}",)


@pytest.mark.parametrize("service", READERS)
async def test_the_bootstrap_bucket_is_written_by_the_relay_alone(
    bootstrap: NatsServer, service: str
) -> None:
    subject = "$KV.bootstrap.library.L1"
    assert await refusal(url_of(bootstrap, service), lambda other: other.publish(subject, b"foreign"))


@pytest.mark.parametrize("service", ["api", "projections", "policies", "analytics"])
async def test_who_has_no_use_for_the_bootstrap_bucket_does_not_read_it(
    bootstrap: NatsServer, service: str
) -> None:
    asked = "$JS.API.CONSUMER.CREATE.KV_bootstrap"
    assert await refusal(url_of(bootstrap, service), lambda other: other.publish(asked, b"{}"))


@pytest.mark.parametrize("service", ["relay", "api", "projections", "policies", "analytics"])
@pytest.mark.parametrize(
    "subject",
    [
        "$KV.sockets.p1",
        "$JS.API.STREAM.MSG.GET.KV_sockets",
        "$JS.API.DIRECT.GET.KV_sockets.$KV.sockets.p1",
        "$JS.API.CONSUMER.CREATE.KV_sockets",
    ],
)
async def test_what_connections_were_to_receive_is_the_fanouts_alone(
    stream: NatsServer, service: str, subject: str
) -> None:
    assert await refusal(url_of(stream, service), lambda other: other.publish(subject, b"{}"))


@pytest.mark.parametrize("verb", ["CONSUMER.CREATE", "STREAM.DELETE", "STREAM.PURGE", "STREAM.UPDATE"])
async def test_the_fanout_looks_connections_up_and_neither_lists_nor_erases_them(
    stream: NatsServer, verb: str
) -> None:
    subject = f"$JS.API.{verb}.KV_sockets"
    assert await refusal(stream.urls.fanout, lambda fanout: fanout.publish(subject, b"{}"))


async def test_names_are_not_for_analytics(stream: NatsServer) -> None:
    async with connected(stream.urls.analytics) as analytics:
        with pytest.raises((NatsTimeoutError, TimeoutError)):
            await analytics.request("$JS.API.DIRECT.GET.KV_names.$KV.names.u1", b"", timeout=0.5)
    assert await refusal(
        stream.urls.analytics, lambda analytics: analytics.publish("$JS.API.CONSUMER.CREATE.KV_names", b"{}")
    )


async def test_analytics_do_not_overhear_what_others_are_answered(stream: NatsServer) -> None:
    analytics = await nats.connect(stream.urls.analytics)
    try:
        heard = await analytics.subscribe("_INBOX.>")
        await analytics.flush()
        for service in NAME_READERS:
            async with connected(url_of(stream, service)) as other:
                assert await get_name(other.jetstream(), "u1") == "Ada"
        async with connected(stream.urls.admin) as admin:
            await admin.publish("_INBOX.last", b"last")
            await admin.flush()
        messages = [await heard.next_msg(timeout=LIMIT)]
        while messages[-1].data != b"last":
            messages.append(await heard.next_msg(timeout=LIMIT))
    finally:
        await analytics.close()
    assert [message.data for message in messages] == [b"last"]


@pytest.mark.parametrize("subject", [">", "$JS.>", "$KV.>", "$SYS.>"])
@pytest.mark.parametrize("service", [*READERS, "relay"])
async def test_nobody_listens_to_what_others_ask_the_server(
    stream: NatsServer, service: str, subject: str
) -> None:
    assert await refusal(url_of(stream, service), lambda reader: reader.subscribe(subject))
