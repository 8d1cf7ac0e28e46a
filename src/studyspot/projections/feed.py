"""What the broker delivers to one projection: a FastStream subscriber, and the watch that keeps it alive.

A consumer dies silently when the stream is erased, and the subscriber tells nobody; so whenever it is quiet
it is looked at, and where it is missing, or holds back what the stream has, it is made again at the
projection's own position + 1. Messages that come twice, or never, are the worker's business: it compares
positions.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy as ConsumerAckPolicy
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from studyspot.broker.connection import inbox_prefix
from studyspot.broker.errors import BrokerError
from studyspot.broker.stream import STREAM, SUBJECTS, StreamMessage, stream_state

MOST_MESSAGES = 1000
ASK_EVERY = timedelta(milliseconds=100)
"""A request that brings nothing is repeated after this long."""

LOOK_EVERY = timedelta(milliseconds=500)
RETRY_AFTER = timedelta(seconds=1)
_API_LIMIT_SECONDS = 1.0
_CONNECT_LIMIT_SECONDS = 5.0
_END_LIMIT_SECONDS = 2.0

log = structlog.get_logger()


class Feed:
    """Batches of messages for one projection, oldest first, as far as the broker is there.

    `position` and `epoch` are those of the projection: where a consumer begins, and whose stream it reads.
    """

    def __init__(
        self, nats_url: str, *, name: str, position: Callable[[], int], epoch: Callable[[], str | None]
    ) -> None:
        self._nats_url = nats_url
        self._inbox_prefix = inbox_prefix(nats_url.split(",")[0])
        self._name = name
        self._position = position
        self._epoch = epoch
        self._batches: asyncio.Queue[tuple[StreamMessage, ...]] = asyncio.Queue(maxsize=1)
        self._subscriber: BatchPullStreamSubscriber | None = None
        self._heard = 0.0
        self._connected = True
        self._failure: Exception | None = None

    async def next(self, timeout: timedelta) -> tuple[StreamMessage, ...]:
        """Return the next batch; none when nothing comes within `timeout`."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                return await self._batches.get()
        except TimeoutError:
            return ()

    def take(self) -> tuple[StreamMessage, ...]:
        """Return the batch that is waiting, if there is one."""
        return () if self._batches.empty() else self._batches.get_nowait()

    async def run(self) -> None:
        """Subscribe, and stay subscribed, until cancelled."""
        while True:
            broker = NatsBroker(
                self._nats_url.split(","),
                name=f"studyspot projection {self._name}",
                error_cb=self._failed,
                apply_types=False,
                logger=None,
                graceful_timeout=_API_LIMIT_SECONDS,
                connect_timeout=2,
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                ping_interval=2,
                max_outstanding_pings=2,
                inbox_prefix=self._inbox_prefix,
            )
            try:
                async with asyncio.timeout(_CONNECT_LIMIT_SECONDS):
                    await broker.connect()
                while True:
                    await self._look(broker)
                    await asyncio.sleep(LOOK_EVERY.total_seconds())
            except (NatsError, BrokerError, OSError) as error:
                self._tell(connected=False, reason=str(error) or type(error).__name__)
            finally:
                await self._unsubscribe()
                await _close(broker)
            await asyncio.sleep(RETRY_AFTER.total_seconds())

    async def _look(self, broker: NatsBroker) -> None:
        """Make, or make again, the consumer that should be there."""
        connection = await broker.connect()
        if not connection.is_connected:
            self._tell(connected=False, reason=str(self._failure or ""))
            # A subscriber would fill the connection's buffer with requests that nobody will want.
            await self._unsubscribe()
            return
        try:
            if self._subscriber is not None and await self._is_stuck(self._subscriber):
                log.warning("consumer is made again", projection=self._name, position=self._position())
                await self._unsubscribe()
            if self._subscriber is None:
                await self._subscribe(broker)
        except (NatsError, BrokerError, TimeoutError) as error:
            self._tell(connected=False, reason=str(error) or type(error).__name__)
        else:
            self._tell(connected=True)

    async def _is_stuck(self, subscriber: BatchPullStreamSubscriber) -> bool:
        """Say whether nothing came although there is something, or the consumer is gone."""
        quiet_since = self._heard
        if time.monotonic() - quiet_since < LOOK_EVERY.total_seconds() or self._batches.full():
            return False
        if subscriber.subscription is None:
            return True
        try:
            async with asyncio.timeout(_API_LIMIT_SECONDS):
                consumer = await subscriber.subscription.consumer_info()
        except NotFoundError:
            return True
        return bool(consumer.num_pending) and self._heard == quiet_since

    async def _subscribe(self, broker: NatsBroker) -> None:
        connection = await broker.connect()
        state = await stream_state(connection.jetstream(timeout=_API_LIMIT_SECONDS))
        if state is None or state.epoch != self._epoch():
            return
        subscriber = broker.subscriber(
            SUBJECTS[0],
            stream=JStream(STREAM, declare=False),
            pull_sub=PullSub(MOST_MESSAGES, ASK_EVERY.total_seconds(), batch=True),
            config=ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=self._position() + 1,
                ack_policy=ConsumerAckPolicy.NONE,
                mem_storage=True,
                num_replicas=1,
            ),
            ack_policy=AckPolicy.MANUAL,
            inbox_prefix=f"{self._inbox_prefix}.".encode(),
            decoder=_as_they_are,
            no_reply=True,
            persistent=False,
        )

        async def hand_over(messages: Sequence[StreamMessage]) -> None:
            if self._subscriber is subscriber:
                self._heard = time.monotonic()
                await self._batches.put(tuple(messages))

        subscriber(hand_over)
        self._subscriber, self._heard = subscriber, time.monotonic()
        await subscriber.start()
        subscriber.subscription = _PromptPull(subscriber.subscription)  # type: ignore[assignment]

    async def _unsubscribe(self) -> None:
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is None:
            return
        self.take()  # So that the subscriber can hand over what it holds, and end.
        # Either way it is given up; a broker that is away cannot be told.
        with suppress(NatsError, OSError, TimeoutError):
            async with asyncio.timeout(_END_LIMIT_SECONDS):
                await subscriber.stop()

    async def _failed(self, error: Exception) -> None:
        self._failure = error

    def _tell(self, *, connected: bool, reason: str = "") -> None:
        if connected is self._connected:
            return
        self._connected = connected
        if connected:
            log.info("broker is back", projection=self._name)
        else:
            log.warning("broker is away, the log is read instead", projection=self._name, reason=reason)


class _PromptPull:
    """A pull subscription that FastStream gets every message of, as soon as it is there.

    Seen with nats-py 2.16 and FastStream 0.7.8: when a batch's time is up between two requests, nats-py
    raises a bare TimeoutError, FastStream's task dies of it and is begun again without a word, and what it
    had gathered is lost: 4 in 100 messages at 60 a second. And FastStream asks for more until the batch's
    time is up, whatever it has: 24 ms at the median with 40 ms, instead of 1.5.
    """

    def __init__(self, subscription: JetStreamContext.PullSubscription | None) -> None:
        assert subscription is not None
        self._subscription = subscription
        self.unsubscribe = subscription.unsubscribe
        self.consumer_info = subscription.consumer_info

    async def fetch(self, batch: int, timeout: float | None) -> list[Msg]:
        """Return what is there, or comes first.

        Raises:
            NatsTimeoutError: nothing came, or FastStream has something already, which it then hands over.
        """
        if batch < MOST_MESSAGES:
            raise NatsTimeoutError
        try:
            return await self._subscription.fetch(batch, timeout)
        except TimeoutError as error:
            raise NatsTimeoutError from error


async def _close(broker: NatsBroker) -> None:
    """Close the broker's connection, at once: its own `stop` drains, and never ends where NATS has gone."""
    with suppress(NatsError, OSError, TimeoutError):
        async with asyncio.timeout(_END_LIMIT_SECONDS):
            connection = broker.config.connection_state
            if connection:
                await connection.connection.close()


async def _as_they_are(message: Any) -> list[StreamMessage]:
    """Decode nothing yet: most projections need few of the events."""
    raw: list[Msg] = message.raw_message
    return [StreamMessage(one.metadata.sequence.stream, one.subject, one.data) for one in raw]
