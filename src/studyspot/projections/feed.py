"""What the broker delivers to a process: a FastStream subscriber, and the watch that keeps it alive.

A consumer dies silently when the stream is erased, and the subscriber tells nobody; so whenever it is quiet
it is looked at, and where it is missing, or holds back what the stream has, it is made again at the workers'
own position + 1. Messages that come twice, or never, are the workers' business: they compare positions.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy as ConsumerAckPolicy
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from studyspot.broker.connection import inbox_prefix
from studyspot.broker.errors import BrokerError
from studyspot.broker.stream import STREAM, SUBJECTS, StreamMessage, stream_state
from studyspot.projections.inbox import Inbox
from studyspot.projections.prompt_pull import PromptPull

MOST_MESSAGES = 1000
ASK_EVERY = timedelta(milliseconds=100)
"""A request that brings nothing is repeated after this long."""

LOOK_EVERY = timedelta(milliseconds=500)
RETRY_AFTER = timedelta(seconds=1)
_API_LIMIT_SECONDS = 1.0
_CONNECT_LIMIT_SECONDS = 5.0
_END_LIMIT_SECONDS = 2.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Beginning:
    """After which position messages are needed, and of which epoch."""

    position: int
    epoch: str


class Feed:
    """Brings the stream's messages, in order, to some inboxes, as far as the broker is there.

    `beginning` says from where the workers need them: none while they read the log.
    """

    def __init__(
        self, nats_url: str, inboxes: Sequence[Inbox], beginning: Callable[[], Beginning | None]
    ) -> None:
        self._nats_url = nats_url
        self._inbox_prefix = inbox_prefix(nats_url.split(",")[0])
        self._inboxes = inboxes
        self._beginning = beginning
        self._subscriber: BatchPullStreamSubscriber | None = None
        self._heard = 0.0
        self._connected = True
        self._failure: Exception | None = None

    async def run(self) -> None:
        """Subscribe, and stay subscribed, until cancelled."""
        while True:
            broker = NatsBroker(
                self._nats_url.split(","),
                name="studyspot projections",
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
        if connection.is_closed:
            # As by a server that let us in no more: nats-py does not try again, so we do.
            raise ConnectionClosedError from self._failure
        if not connection.is_connected:
            self._tell(connected=False, reason=str(self._failure or ""))
            # A subscriber would fill the connection's buffer with requests that nobody will want.
            await self._unsubscribe()
            return
        try:
            if self._subscriber is not None and await self._is_stuck(self._subscriber):
                log.warning("consumer is made again")
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
        if time.monotonic() - quiet_since < LOOK_EVERY.total_seconds():
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
        beginning = self._beginning()
        if beginning is None:
            return
        connection = await broker.connect()
        state = await stream_state(connection.jetstream(timeout=_API_LIMIT_SECONDS))
        if state is None or state.epoch != beginning.epoch:
            return
        subscriber = broker.subscriber(
            SUBJECTS[0],
            stream=JStream(STREAM, declare=False),
            pull_sub=PullSub(MOST_MESSAGES, ASK_EVERY.total_seconds(), batch=True),
            config=ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=beginning.position + 1,
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
                for inbox in self._inboxes:
                    inbox.put(tuple(messages))

        subscriber(hand_over)
        self._subscriber, self._heard = subscriber, time.monotonic()
        await subscriber.start()
        assert subscriber.subscription is not None
        subscriber.subscription = PromptPull(subscriber.subscription, MOST_MESSAGES)  # type: ignore[assignment]

    async def _unsubscribe(self) -> None:
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is None:
            return
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
            log.info("broker is back")
        else:
            log.warning("broker is away, the log is read instead", reason=reason)


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
