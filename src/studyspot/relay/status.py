"""How far the stream follows the store, for whoever asks."""

import asyncio
from dataclasses import dataclass

from nats.js import JetStreamContext

from studyspot.broker.errors import BrokerUnavailable
from studyspot.broker.stream import stream_state
from studyspot.event_store.store import EventStore


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """How far the stream follows the store. What concerns the stream is none while it is missing or away.

    `lag` is in events; `halted` says why appends are stopped, if they are.
    """

    head: int
    epoch: str
    halted: str | None
    last_position: int | None
    stream_epoch: str | None
    lag: int | None


async def relay_status(store: EventStore, js: JetStreamContext) -> RelayStatus:
    """Return how far the stream follows the store.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    try:
        state = await stream_state(js)
    except BrokerUnavailable:
        state = None
    head = await asyncio.to_thread(store.head)
    if state is None:
        return RelayStatus(head.position, head.epoch, head.halted, None, None, None)
    # A stream of another epoch is going to be published again from its beginning.
    lag = max(head.position - state.last_position, 0) if state.epoch == head.epoch else head.position
    return RelayStatus(head.position, head.epoch, head.halted, state.last_position, state.epoch, lag)
