"""The relay: from the store to the broker, in order, each event once.

The stream is its own cursor: publishing goes on after the stream's last position, and a message is accepted
only at its own. Before that, the stream's last message is compared with the store's event. Where they differ,
positions have come to mean other events (a restored database, a foreign publisher): the relay stops, and with
it all appends, until an operator begins a new epoch; then the stream is made anew.
"""

import asyncio
import random
import time
from datetime import timedelta

import structlog
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from studyspot.broker.errors import BrokerUnavailable, PublishRejected
from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.stream import (
    StreamMessage,
    StreamState,
    delete_stream,
    ensure_stream,
    message_at,
    stream_state,
)
from studyspot.catalogue.cloudevents import UnknownMessage, UnreadableMessage, from_message
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Head
from studyspot.relay.bootstrap_keeper import BootstrapKeeper
from studyspot.relay.messages import message_of, messages_of
from studyspot.relay.metrics import RelayMetrics

API_LIMIT = timedelta(seconds=2)
PAGE = 1000
EPOCHS_REMEMBERED = 100
LOOK_EVERY = timedelta(milliseconds=500)
RETRY_FIRST = timedelta(milliseconds=200)
RETRY_AT_MOST = timedelta(seconds=2)
RIVAL_PATIENCE = timedelta(milliseconds=350)
"""A relay that stands by gives the other one this long, and up to half as long again, for each event."""

_NEVER = 2**63

log = structlog.get_logger()


class _StartAgain(Exception):
    """What the relay took for granted about store or stream no longer holds."""


class _Halted(Exception):
    """Store and stream contradict each other; an operator's new epoch is waited for."""


class Relay:
    """Publishes the store's events for as long as its process lives.

    Any number may run: one publishes, the others stand by and take over within about a second of its
    death. While NATS or PostgreSQL is away the relay waits.
    """

    def __init__(
        self,
        store: EventStore,
        nc: Client,
        signal: HeadSignal,
        *,
        replicas: int = 1,
        metrics: RelayMetrics | None = None,
    ) -> None:
        self._store = store
        self._js = nc.jetstream(timeout=API_LIMIT.total_seconds())
        self._signal = signal
        self._replicas = replicas
        self._metrics = metrics or RelayMetrics(CollectorRegistry())
        self._publisher = FencedPublisher(nc)
        self._keeper = BootstrapKeeper(store, nc, metrics=self._metrics, replicas=replicas)
        self._epoch = ""
        self._last = 0
        self._trouble: str | None = "not begun"

    async def run(self) -> None:
        """Relay until cancelled.

        Raises:
            BrokerClosed: the connection to NATS is gone for good.
        """
        pause, reached, rejected = RETRY_FIRST, -1, 0
        keeping = asyncio.create_task(self._keeper.run(), name="bootstrap-keeper")
        try:
            while True:
                try:
                    await self._take_place()
                    if 0 < rejected <= self._last:
                        rejected = 0
                        await self._stand_by()
                        continue
                    await self._follow()
                except PublishRejected as rejection:
                    if rejection.position == rejected:
                        self._complain(rejection)  # No rival took its place: it is refused for its own sake.
                    else:
                        log.info("relay was rejected", position=self._last, detail=rejection.detail)
                    rejected = rejection.position
                except _StartAgain as change:
                    log.info("relay starts again", position=self._last, reason=str(change))
                except (_Halted, BrokerUnavailable, StoreUnavailable, UnreadableMessage) as error:
                    self._complain(error)
                pause = RETRY_FIRST if self._last > reached else min(pause * 1.5, RETRY_AT_MOST)
                reached = self._last
                self._measure(await self._signal.wait(_NEVER, pause))
        finally:
            while not keeping.done():
                # Again and again: a wait of Python 3.11 can lose a cancellation that comes with its result.
                keeping.cancel()
                await asyncio.wait({keeping}, timeout=RETRY_FIRST.total_seconds())
            await self._publisher.close()

    async def _take_place(self) -> None:
        """Find the position to go on from, in a stream that agrees with the store, and make it if need be.

        Raises:
            _Halted: stream and store contradict each other.
        """
        state = await stream_state(self._js)
        # Asked after the stream: what the stream holds was committed before, so it cannot be ahead.
        head = await asyncio.to_thread(self._store.head)
        if head.halted is not None:
            raise _Halted(head.halted)
        if state is not None and state.epoch == head.epoch:
            await self._compare(state, head)
        else:
            state = await self._make_stream(state, head)
        self._epoch, self._last = state.epoch, state.last_position
        self._keeper.tell(self._epoch, self._last)
        self._measure(head.position)

    async def _make_stream(self, old: StreamState | None, head: Head) -> StreamState:
        """Make an empty stream of the store's epoch, to be filled from the first position."""
        earlier: tuple[str, ...] = ()
        if old is not None:
            if head.epoch in old.earlier_epochs:
                await self._halt(f"the stream has gone on to epoch {old.epoch}, the store is at {head.epoch}")
            earlier = (*old.earlier_epochs, old.epoch)[-EPOCHS_REMEMBERED:]
            log.warning("stream is made anew", old_epoch=old.epoch, old_position=old.last_position)
            await delete_stream(self._js)
        state = await ensure_stream(
            self._js, epoch=head.epoch, earlier_epochs=earlier, replicas=self._replicas
        )
        if state.epoch != head.epoch:
            raise _StartAgain(f"a stream of epoch {state.epoch} was made meanwhile")
        return state

    async def _compare(self, state: StreamState, head: Head) -> None:
        """Compare the stream's last message with the store's event at its position."""
        last = state.last_position
        if last > head.position:
            await self._halt(f"the stream has reached position {last}, the store only {head.position}")
        if last < state.first_position:
            return
        found = await message_at(self._js, last)
        if found is None:
            raise _StartAgain("the stream was erased meanwhile")
        if not await asyncio.to_thread(self._is_ours, found):
            await self._halt(f"the stream's message at position {last} is not the store's event")

    def _is_ours(self, found: StreamMessage) -> bool:
        events = self._store.read(after=found.position - 1, until=found.position).events
        if not events:
            return False
        expected = message_of(events[0])
        if found == expected:
            return True
        try:
            # An earlier release may have put the same event into other bytes.
            return from_message(found.body) == from_message(expected.body)
        except UnknownMessage:
            raise  # A newer release's relay put it there: nothing is known to be wrong with it.
        except UnreadableMessage:
            return False

    async def _halt(self, reason: str) -> None:
        await asyncio.to_thread(self._store.halt, reason)
        raise _Halted(reason)

    async def _follow(self) -> None:
        """Publish whatever the store has, now and later."""
        looked_at = time.monotonic()
        while True:
            head = await self._signal.wait(self._last, LOOK_EVERY)
            published = head > self._last and await self._publish(head)
            if not published or time.monotonic() - looked_at > LOOK_EVERY.total_seconds():
                await self._look()
                looked_at = time.monotonic()

    async def _publish(self, head: int) -> bool:
        """Publish the next page of a store that is at `head`; return whether there was anything."""
        events = await self._store.read_page_async(self._last, limit=PAGE)
        if not events:
            return False
        if events[-1].epoch != self._epoch:
            await self._check_epoch()
        messages, unreadable = messages_of(events)
        if messages:
            self._last = await self._publisher.publish(messages)
            self._keeper.tell(self._epoch, self._last)
            self._metrics.published.inc(len(messages))
            self._measure(head)
        if unreadable is not None:
            raise unreadable
        self._be_content()
        return True

    async def _check_epoch(self) -> None:
        head = await asyncio.to_thread(self._store.head)
        if head.epoch != self._epoch:
            raise _StartAgain(f"epoch {head.epoch} has begun")

    async def _look(self) -> None:
        """Notice what no rejection tells while there is nothing to publish."""
        state = await stream_state(self._js)
        head = await asyncio.to_thread(self._store.head)
        if head.halted is not None or head.epoch != self._epoch or head.position < self._last:
            raise _StartAgain("the store has changed")
        if state is None or state.epoch != self._epoch or state.last_position != self._last:
            raise _StartAgain("the stream has changed")
        self._measure(head.position)
        self._be_content()

    async def _stand_by(self) -> None:
        """Wait until the store is ahead of the stream, and no other relay moves it on."""
        log.info("relay stands by for another", position=self._last)
        self._keeper.rest()
        while True:
            head = await self._signal.wait(self._last, LOOK_EVERY)
            if head > self._last:
                # Two that stand by must not wake at once.
                patience = RIVAL_PATIENCE * random.uniform(1, 1.5)  # noqa: S311
                await asyncio.sleep(patience.total_seconds())
            state = await stream_state(self._js)
            if state is None or state.epoch != self._epoch:
                return
            if head > self._last == state.last_position:
                log.info("relay takes over", position=self._last)
                return
            if state.last_position != self._last:
                self._last = state.last_position
                self._keeper.rest()
            elif head == self._last:
                # Nothing moves. If all of them stand by, nobody else sees to the bucket.
                self._keeper.tell(self._epoch, self._last)
            self._measure(head)
            self._be_content()

    def _measure(self, head: int) -> None:
        self._metrics.lag.set(max(head - self._last, 0))

    def _complain(self, error: Exception) -> None:
        """Log a lasting trouble once."""
        lasting = isinstance(error, _Halted | UnreadableMessage | PublishRejected)
        trouble = str(error) if lasting else type(error).__name__
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if isinstance(error, _Halted):
            self._metrics.halted.set(1)
            log.error("relay and appends are halted", reason=str(error), mend="studyspot epoch new")
        else:
            log.warning("relay waits", position=self._last, reason=str(error))

    def _be_content(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            self._metrics.halted.set(0)
            log.info("relay is in its place", position=self._last, epoch=self._epoch)
