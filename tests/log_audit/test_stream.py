"""The audit of the stream against the store: each kind of fault is found and named, lag is only told."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace

import orjson
import pytest
from benchmarks.history import write_history
from nats.aio.client import Client
from nats.js import JetStreamContext

from studyspot.broker.connection import connect
from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.stream import STREAM, SUBJECTS, StreamMessage, ensure_stream
from studyspot.catalogue.cloudevents import to_message
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import StoredEvent
from studyspot.log_audit.findings import Findings, Stage
from studyspot.log_audit.stream import StreamAudited, audit_stream
from tests.engines import NatsServer, PostgresServer

EVENTS = 300


@pytest.fixture(scope="module")
def store(postgres_server: PostgresServer) -> Iterator[EventStore]:
    with postgres_server.migrated_database() as url:
        write_history(url, EVENTS)
        with EventStore(url) as store:
            yield store


@pytest.fixture(scope="module")
def messages(store: EventStore) -> list[StreamMessage]:
    """What the relay publishes."""
    return [message_of(event) for page in store.pages(0) for event in page]


@pytest.fixture
async def nc(nats_url: str) -> AsyncIterator[Client]:
    connection = await connect(nats_url, name="test")
    yield connection
    await connection.close()


@pytest.fixture
def js(nc: Client) -> JetStreamContext:
    return nc.jetstream(timeout=10)


def message_of(event: StoredEvent) -> StreamMessage:
    made = to_message(event.position, event.epoch, event.type, event.data)
    return StreamMessage(event.position, made.subject, made.body)


async def publish(
    nc: Client, store: EventStore, messages: Sequence[StreamMessage], *, epoch: str | None = None
) -> None:
    first = messages[0].position
    await ensure_stream(nc.jetstream(), epoch=epoch or store.head().epoch, first_position=first)
    publisher = FencedPublisher(nc)
    try:
        await publisher.publish(messages)
    finally:
        await publisher.close()


def unwatched(stage: Stage, done: int, total: int) -> None:
    """Nobody watches the progress."""


async def audited(store: EventStore, nats_url: str) -> tuple[StreamAudited | None, Findings]:
    findings = Findings()
    compared = await audit_stream(store, nats_url, findings, unwatched)
    return compared, findings


def altered(messages: Sequence[StreamMessage], position: int, **envelope: object) -> list[StreamMessage]:
    """The messages, with other attributes in one envelope."""
    changed = list(messages)
    known = changed[position - 1]
    changed[position - 1] = replace(known, body=orjson.dumps(orjson.loads(known.body) | envelope))
    return changed


async def test_what_the_relay_publishes_has_no_differences(
    nc: Client, nats_url: str, store: EventStore, messages: list[StreamMessage]
) -> None:
    await publish(nc, store, messages)
    compared, findings = await audited(store, nats_url)
    assert findings.differences == ()
    assert compared == StreamAudited(store.head().epoch, 1, EVENTS, lag=0, respelled=0)


async def test_a_stream_behind_the_store_lags_and_does_not_differ(
    nc: Client, nats_url: str, store: EventStore, messages: list[StreamMessage]
) -> None:
    await publish(nc, store, messages[:-10])
    compared, findings = await audited(store, nats_url)
    assert findings.differences == ()
    assert compared is not None
    assert (compared.last_position, compared.lag) == (EVENTS - 10, 10)


async def test_a_stream_may_begin_later_or_be_empty(
    nc: Client, nats_url: str, store: EventStore, messages: list[StreamMessage], js: JetStreamContext
) -> None:
    await ensure_stream(js, epoch=store.head().epoch, first_position=101)
    compared, findings = await audited(store, nats_url)
    assert (compared, findings.differences) == (
        StreamAudited(store.head().epoch, 101, 100, lag=200, respelled=0),
        (),
    )
    await publish(nc, store, messages[100:])
    compared, findings = await audited(store, nats_url)
    assert (compared, findings.differences) == (
        StreamAudited(store.head().epoch, 101, EVENTS, lag=0, respelled=0),
        (),
    )


async def test_other_subjects_ids_and_facts_are_found_and_named(
    nc: Client, nats_url: str, store: EventStore, messages: list[StreamMessage]
) -> None:
    faulty = altered(messages, 20, id="k0-20")
    faulty = altered(faulty, 30, commandid="another")
    faulty = altered(faulty, 31, data={})
    faulty[39] = replace(faulty[39], subject="studyspot.seat.painted.L1._")
    faulty[49] = replace(faulty[49], body=b"not JSON")
    await publish(nc, store, faulty)
    _, findings = await audited(store, nats_url)
    told = {known.kind: (known.count, known.position) for known in findings.differences}
    assert told == {"message-id": (2, 20), "message-body": (2, 30), "message-subject": (1, 40)}
    assert "k0-20" in findings.differences[0].first


async def test_the_same_event_in_other_bytes_is_counted_and_no_difference(
    nc: Client, nats_url: str, store: EventStore, messages: list[StreamMessage]
) -> None:
    known = orjson.loads(messages[9].body)
    respelled = list(messages)
    respelled[9] = replace(messages[9], body=orjson.dumps(known, option=orjson.OPT_INDENT_2))
    await publish(nc, store, respelled)
    compared, findings = await audited(store, nats_url)
    assert findings.differences == ()
    assert compared is not None
    assert compared.respelled == 1


async def test_messages_that_the_stream_lost_are_found(
    nc: Client, js: JetStreamContext, nats_url: str, store: EventStore, messages: list[StreamMessage]
) -> None:
    # Ours refuse deletions; one that was made by hand may not.
    await js.add_stream(name=STREAM, subjects=list(SUBJECTS), metadata={"epoch": store.head().epoch})
    await publish(nc, store, messages)
    for position in (100, 101, 200, EVENTS):
        await js.delete_msg(STREAM, position)
    compared, findings = await audited(store, nats_url)
    (missing,) = findings.differences
    assert (missing.kind, missing.count, missing.position) == ("message-missing", 4, 100)
    assert compared is not None
    assert compared.last_position == EVENTS


async def test_a_stream_that_is_ahead_of_the_store_is_found(
    nc: Client, nats_url: str, store: EventStore, messages: list[StreamMessage]
) -> None:
    beyond = replace(messages[-1], position=EVENTS + 1)
    await publish(nc, store, [*messages, beyond])
    _, findings = await audited(store, nats_url)
    assert [(known.kind, known.count, known.position) for known in findings.differences] == [
        ("stream-ahead", 1, EVENTS + 1)
    ]


async def test_a_stream_of_another_epoch_is_found(
    nc: Client, nats_url: str, store: EventStore, messages: list[StreamMessage]
) -> None:
    await publish(nc, store, messages, epoch="k-0")
    compared, findings = await audited(store, nats_url)
    assert compared is None
    assert [known.kind for known in findings.differences] == ["stream-epoch"]


async def test_a_stream_that_is_missing_or_away_is_told(nats_server: NatsServer, store: EventStore) -> None:
    _, findings = await audited(store, nats_server.urls.admin)
    assert [known.kind for known in findings.differences] == ["stream-away"]
    nats_server.stop()
    try:
        _, findings = await audited(store, nats_server.urls.admin)
    finally:
        nats_server.restart()
    assert [known.kind for known in findings.differences] == ["stream-away"]


async def test_a_connection_that_is_lost_meanwhile_is_made_good(
    nats_server: NatsServer, postgres_server: PostgresServer
) -> None:
    events, cuts = 20_000, 0

    def cut(stage: Stage, done: int, total: int) -> None:
        nonlocal cuts
        if not cuts and done < total:
            cuts += 1
            nats_server.kill()
            nats_server.restart()

    with postgres_server.migrated_database() as url, EventStore(url) as long_store:
        await asyncio.to_thread(write_history, url, events)
        nc = await connect(nats_server.urls.admin, name="test")
        for page in long_store.pages(0):
            await publish(nc, long_store, [message_of(event) for event in page])
        await nc.close()
        findings = Findings()
        compared = await audit_stream(long_store, nats_server.urls.admin, findings, cut)
    assert (cuts, findings.differences) == (1, ())
    assert compared is not None
    assert compared.last_position == events
