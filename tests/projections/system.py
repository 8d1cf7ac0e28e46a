"""A log, a stream and workers, on the real engines."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
from nats.aio.client import Client
from nats.js import JetStreamContext
from psycopg_pool import ConnectionPool

from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.stream import STREAM, StreamMessage, delete_stream, ensure_stream, stream_state
from studyspot.catalogue.cloudevents import to_message
from studyspot.catalogue.codec import Metadata, encode
from studyspot.catalogue.tags import tags_of
from studyspot.catalogue.types import type_of
from studyspot.domain.events import Event
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import NewEvent
from studyspot.projections.announcing import Announcer
from studyspot.projections.app import run_workers
from studyspot.projections.convoy import Convoy
from studyspot.projections.projection import Projection
from studyspot.projections.worker import Worker
from studyspot.ws_fanout.ending import end_tasks

NO_BROKER = "nats://127.0.0.1:9"
READ = """
SELECT FROM read.current JOIN read.builds USING (name, version, number)
WHERE name = ANY (%s) AND position >= %s
"""


async def until(condition: Callable[[], object], limit: float = 30.0) -> None:
    """Wait for the condition; fail when it does not come true."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110  # Tables and servers tell nobody.
            await asyncio.sleep(0.005)


async def until_consumed(streams: JetStreamContext) -> None:
    """Wait until the stream has a consumer."""
    async with asyncio.timeout(30):
        while (await streams.stream_info(STREAM)).state.consumer_count == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Log:
    """The store, and the stream that a test fills from it when it wants to."""

    database_url: str
    store: EventStore
    signal: HeadSignal
    announcer: Announcer
    convoy: Convoy
    questions: ConnectionPool

    def worker(self, projection: Projection) -> Worker:
        return Worker(
            projection,
            database_url=self.database_url,
            store=self.store,
            signal=self.signal,
            announcer=self.announcer,
            convoy=self.convoy,
        )

    async def append(self, *events: Event, at: datetime | None = None, actor: str | None = None) -> int:
        time = at or datetime.now(UTC)
        new = [
            NewEvent(
                type_of(type(event)),
                encode(event, Metadata(time=time, command_id=str(uuid4()), actor=actor)),
                tags_of(event),
            )
            for event in events
        ]
        return (await self.store.append_async(new)).position

    async def publish(self, nc: Client) -> None:
        """Bring the stream up to the log, as the relay would."""
        streams = nc.jetstream()
        head = self.store.head()
        state = await stream_state(streams)
        if state is None:
            state = await ensure_stream(streams, epoch=head.epoch)
        messages = []
        for page in self.store.pages(state.last_position):
            for event in page:
                message = to_message(event.position, event.epoch, event.type, event.data)
                messages.append(StreamMessage(event.position, message.subject, message.body))
        if messages:
            publisher = FencedPublisher(nc)
            await publisher.publish(messages)
            await publisher.close()

    async def erase_stream(self, nc: Client) -> None:
        await delete_stream(nc.jetstream())

    def rows(self, statement: str, *parameters: Any) -> list[Any]:
        with self.questions.connection() as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def position(self, name: str) -> int:
        """The position of a projection as its table says; 0 where there is none."""
        try:
            found = self.rows("SELECT position FROM read.builds WHERE name = %s", name)
        except psycopg.errors.UndefinedTable:
            return 0
        return int(found[0][0]) if found else 0

    def readable(self, *names: str) -> bool:
        """Whether these projections are read, and have reached the log's head."""
        head = self.store.head().position
        try:
            found = self.rows(READ, list(names), head)
        except psycopg.errors.UndefinedTable:
            return False
        return len(found) == len(names)


@asynccontextmanager
async def a_log(database_url: str) -> AsyncIterator[Log]:
    with (
        EventStore(database_url, read_connections=4) as store,
        # Tests ask again and again; the server may have been killed since.
        ConnectionPool(
            database_url,
            min_size=0,
            max_size=4,
            num_workers=1,
            kwargs={"autocommit": True},
            check=ConnectionPool.check_connection,
            open=True,
        ) as questions,
    ):
        async with (
            HeadSignal(database_url) as signal,
            Announcer(database_url) as announcer,
            Convoy(database_url) as convoy,
        ):
            yield Log(database_url, store, signal, announcer, convoy, questions)


@asynccontextmanager
async def working(log: Log, projection: Projection, nats_url: str = NO_BROKER) -> AsyncIterator[Worker]:
    """A worker that runs until the end of the block."""
    worker = log.worker(projection)
    async with running([worker], nats_url):
        yield worker


@asynccontextmanager
async def running(workers: Sequence[Worker], nats_url: str = NO_BROKER) -> AsyncIterator[None]:
    """Run the workers until the end of the block, as one process does."""
    task = asyncio.create_task(run_workers(workers, nats_url))
    try:
        yield
    finally:
        await end_tasks([task])
        if not task.cancelled():
            task.result()
