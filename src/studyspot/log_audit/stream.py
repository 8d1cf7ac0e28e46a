"""The stream: whether each message is what the relay would publish for the event at its position."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

import orjson
from nats.aio.client import Client

from studyspot.broker.connection import connect
from studyspot.broker.errors import BrokerClosed, BrokerUnavailable, EpochChanged, PositionForgotten
from studyspot.broker.reading import read_range
from studyspot.broker.stream import StreamMessage, StreamState, stream_state
from studyspot.catalogue.cloudevents import UnreadableMessage, from_message, to_message
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Head, StoredEvent
from studyspot.log_audit.findings import Findings, Progress

CONNECT_WITHIN = timedelta(seconds=5)
ANSWER_WITHIN = timedelta(seconds=2)
_AT_ONCE = 2_000
# Of a replay that brings nothing at all.
_ATTEMPTS = 5
_RETRY_AFTER = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class StreamAudited:
    """What of the stream was compared: [`first_position`, `last_position`], empty where the last is less.

    `lag` is in events: the relay has not published those yet. `respelled` messages say what the store says,
    in the bytes of another release.
    """

    epoch: str
    first_position: int
    last_position: int
    lag: int
    respelled: int


async def audit_stream(
    store: EventStore, nats_url: str, findings: Findings, progress: Progress
) -> StreamAudited | None:
    """Compare the stream with the store, as far as both reach; none where it could not be done.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    try:
        nc = await connect(nats_url, name="studyspot-audit", limit=CONNECT_WITHIN)
        try:
            return await _audit(store, nc, findings, progress)
        finally:
            await nc.close()
    except (BrokerUnavailable, BrokerClosed) as error:
        findings.add("stream-away", None, f"the stream cannot be read: {error}")
    except EpochChanged as error:
        findings.add("stream-epoch", None, str(error))
    return None


async def _audit(
    store: EventStore, nc: Client, findings: Findings, progress: Progress
) -> StreamAudited | None:
    state = await stream_state(nc.jetstream(timeout=ANSWER_WITHIN.total_seconds()))
    # Asked after the stream: what it holds was committed before.
    head = await asyncio.to_thread(store.head)
    if state is None:
        findings.add("stream-away", None, "there is no stream")
        return None
    if state.epoch != head.epoch:
        what = (
            f"the stream's epoch is {state.epoch}, the store's {head.epoch}: the relay makes the stream anew"
        )
        findings.add("stream-epoch", None, what)
        return None
    if state.last_position > head.position:
        what = f"the stream has reached position {state.last_position}, the store only {head.position}"
        findings.add("stream-ahead", head.position + 1, what, state.last_position - head.position)
    return await _Comparison(store, findings, progress, state, head).run(nc)


class _Comparison:
    """One walk through the stream, beside the store."""

    def __init__(
        self, store: EventStore, findings: Findings, progress: Progress, state: StreamState, head: Head
    ) -> None:
        self._store = store
        self._findings = findings
        self._progress = progress
        self._epoch = state.epoch
        self._first = state.first_position
        self._until = min(state.last_position, head.position)
        self._lag = max(head.position - state.last_position, 0)
        self._respelled = 0

    async def run(self, nc: Client) -> StreamAudited:
        """Compare message by message.

        Raises:
            EpochChanged, BrokerUnavailable, BrokerClosed, StoreUnavailable: it came to nothing.
        """
        await self._walk(nc, self._first - 1, self._until)
        return StreamAudited(self._epoch, self._first, self._until, self._lag, self._respelled)

    async def _walk(self, nc: Client, after: int, until: int) -> None:
        """Compare the messages in (`after`, `until`], beginning again where the connection was lost."""
        failures = 0
        while after < until:
            began = after
            try:
                async with aclosing(read_range(nc, after=after, until=until, epoch=self._epoch)) as batches:
                    async for batch in batches:
                        await self._compare_batch(batch)
                        after = batch[-1].position
            except PositionForgotten as hole:
                after = min(hole.first - 1, until)
                self._add_missing(hole.after + 1, after)
            except BrokerUnavailable:
                failures = failures + 1 if after == began else 1
                if failures == _ATTEMPTS:
                    raise
                await asyncio.sleep(_RETRY_AFTER.total_seconds())
            else:
                self._add_missing(after + 1, until)
                after = until

    async def _compare_batch(self, batch: Sequence[StreamMessage]) -> None:
        for start in range(0, len(batch), _AT_ONCE):
            # In a thread, for the stream's signs of life are heard meanwhile.
            await asyncio.to_thread(self._compare, batch[start : start + _AT_ONCE])
        compared = batch[-1].position - self._first + 1
        self._progress("stream", compared, self._until - self._first + 1)

    def _add_missing(self, first: int, last: int) -> None:
        if first <= last:
            what = f"the stream has nothing from position {first} to {last}"
            self._findings.add("message-missing", first, what, last - first + 1)

    def _compare(self, messages: Sequence[StreamMessage]) -> None:
        after, until = messages[0].position - 1, messages[-1].position
        events = {
            event.position: event
            for page in self._store.pages(after, until=until, size=_AT_ONCE)
            for event in page
        }
        for message in messages:
            position = message.position
            if position in events:
                self._compare_one(events[position], message)
            else:
                what = f"the stream has a message at position {position}, where the store has no event"
                self._findings.add("message-extra", position, what)

    def _compare_one(self, event: StoredEvent, message: StreamMessage) -> None:
        position = event.position
        try:
            expected = to_message(position, event.epoch, event.type, event.data)
        except UnreadableMessage as error:
            self._findings.add("message-body", position, f"no message can be made of the event: {error}")
            return
        if message.subject != expected.subject:
            what = f"the message at position {position} is on {message.subject}, not {expected.subject}"
            self._findings.add("message-subject", position, what)
        if message.body == expected.body:
            return
        identity, found = f"{event.epoch}-{position}", _identity(message.body)
        if found != identity:
            what = f"the message at position {position} has the id {found}, not {identity}"
            self._findings.add("message-id", position, what)
        elif _means_the_same(message.body, expected.body):
            self._respelled += 1
        else:
            what = f"the message at position {position} does not say what the store's {event.type} says"
            self._findings.add("message-body", position, what)


def _identity(body: bytes) -> object:
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return envelope.get("id") if isinstance(envelope, dict) else None


def _means_the_same(body: bytes, expected: bytes) -> bool:
    """Say whether both carry the same event: an earlier release may have put it into other bytes."""
    try:
        return from_message(body) == from_message(expected)
    except UnreadableMessage:
        return False
