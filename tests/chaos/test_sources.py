"""The evidence read from the real engines: the store's tables and the stream."""

import json

import nats
import psycopg
import pytest

from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.stream import StreamMessage, ensure_stream
from studyspot.catalogue.cloudevents import to_message
from studyspot.checker.judge import Evidence, judge
from studyspot.checker.sources import read_log, read_stream
from studyspot.checker.verdict import Kind
from studyspot.embedded.ports import free_port
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import NewEvent
from tests.chaos import recorded_day as day


async def publish(url: str, database_url: str) -> None:
    """Publish the whole log, as the relay does."""
    connection = await nats.connect(url)
    publisher = FencedPublisher(connection)
    try:
        with EventStore(database_url) as store:
            await ensure_stream(connection.jetstream(), epoch=store.head().epoch)
            for page in store.pages(0):
                messages = (
                    (event.position, to_message(event.position, event.epoch, event.type, event.data))
                    for event in page
                )
                await publisher.publish(
                    [StreamMessage(position, made.subject, made.body) for position, made in messages]
                )
    finally:
        await publisher.close()
        await connection.close()


def append_the_day(database_url: str) -> None:
    with EventStore(database_url) as store:
        store.append(
            [
                NewEvent(record.type, json.dumps(record.stored).encode(), ("day:1",))
                for record in day.records()
            ]
        )


async def test_a_log_and_its_stream_are_read_and_agree(database_url: str, nats_url: str) -> None:
    append_the_day(database_url)
    log = read_log(database_url)
    assert [(record.position, record.type) for record in log] == [
        (record.position, record.type) for record in day.records()
    ]
    assert await read_stream(nats_url) == []
    await publish(nats_url, database_url)
    messages = await read_stream(nats_url)
    verdict = judge(Evidence(log, messages=messages, reads=[]))
    assert verdict.clean, str(verdict)
    assert verdict.judged["messages"] == day.HEAD
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE store.events SET data = replace(convert_from(data, 'UTF8'), '10000', '1')::bytea"
            " WHERE position = 15"
        )
    found = judge(Evidence(read_log(database_url), messages=messages)).findings
    assert [(finding.kind, finding.position) for finding in found] == [(Kind.STREAM, 15)]


async def test_a_broker_that_is_away_is_an_error() -> None:
    with pytest.raises((OSError, nats.errors.Error)):
        await read_stream(f"nats://127.0.0.1:{free_port()}")
