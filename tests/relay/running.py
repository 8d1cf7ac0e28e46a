"""A relay beside a test, and the wait until it has published."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from nats.js import JetStreamContext

from studyspot.broker.connection import connect
from studyspot.broker.stream import stream_state
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from studyspot.relay.metrics import RelayMetrics
from studyspot.relay.relay import Relay
from studyspot.ws_fanout.ending import end_tasks

Running = Callable[[], AbstractAsyncContextManager[Relay]]


@asynccontextmanager
async def relaying(log_url: str, nats_url: str, metrics: RelayMetrics | None = None) -> AsyncIterator[Relay]:
    """A relay that runs beside the test."""
    nc = await connect(nats_url, name="relay")
    with EventStore(log_url) as store:
        async with HeadSignal(log_url) as signal:
            relay = Relay(store, nc, signal, metrics=metrics)
            task = asyncio.create_task(relay.run())
            try:
                yield relay
            finally:
                await end_tasks([task])
                if not task.cancelled():
                    task.result()
    await nc.close()


async def stream_reaches(js: JetStreamContext, position: int, *, epoch: str | None = None) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(Exception):
                state = await stream_state(js)
                if state and state.last_position >= position and epoch in (None, state.epoch):
                    return
            await asyncio.sleep(0.02)
