"""Where the evidence lies: the store's tables and the stream, read directly."""

import asyncio
from datetime import timedelta

import nats
import orjson
import psycopg
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from studyspot.checker.records import Record, StreamMessage

_STREAM = "STUDYSPOT"
_BATCH = 1000
_CONNECT_SECONDS = 10
_BATCH_SECONDS = 10.0


def read_log(database_url: str) -> list[Record]:
    """Return the whole log, in order.

    Raises:
        psycopg.Error: the database cannot be read.
    """
    query = "SELECT position, epoch, type, data FROM store.events ORDER BY position"
    with psycopg.connect(database_url, connect_timeout=_CONNECT_SECONDS) as connection:
        rows = connection.execute(query).fetchall()
    return [Record(position, epoch, name, orjson.loads(data)) for position, epoch, name, data in rows]


async def read_stream(nats_url: str, *, timeout: timedelta = timedelta(seconds=60)) -> list[StreamMessage]:
    """Return every message of the stream, in order; none where there is no stream.

    Raises:
        OSError, nats.errors.Error: the broker cannot be reached.
        TimeoutError: the stream cannot be read within the time limit.
    """
    async with asyncio.timeout(timeout.total_seconds()):
        connection = await nats.connect(
            nats_url, connect_timeout=_CONNECT_SECONDS, max_reconnect_attempts=1, name="studyspot-checker"
        )
        try:
            return await _read_all(connection)
        finally:
            await connection.close()


async def _read_all(connection: Client) -> list[StreamMessage]:
    stream = connection.jetstream(timeout=_BATCH_SECONDS)
    try:
        state = (await stream.stream_info(_STREAM)).state
    except NotFoundError:
        return []
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE, inactive_threshold=_BATCH_SECONDS * 3
    )
    subscription = await stream.pull_subscribe(subject="", stream=_STREAM, config=config)
    messages: list[StreamMessage] = []
    while state.messages and (not messages or messages[-1].position < state.last_seq):
        for message in await subscription.fetch(_BATCH, timeout=_BATCH_SECONDS):
            position = message.metadata.sequence.stream
            messages.append(StreamMessage(position, message.subject, message.data))
    return messages
