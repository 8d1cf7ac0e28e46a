"""What the broker delivers to a process: a FastStream subscriber, and the watch that keeps it alive.

A consumer dies silently when the stream is erased, and the subscriber tells nobody; so the server is asked
for heartbeats, and where they stay away the consumer is made again, at the workers' own position + 1.
Messages that come twice, or never, are the workers' business: they compare positions.
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
from studyspot.projections.prompt_pull import HEARTBEAT, PromptPull

MOST_MESSAGES = 1000
ASK_EVERY = timedelta(milliseconds=100)
"""How long FastStream waits for messages before it looks whether it should end."""

LOOK_EVERY = timedelta(milliseconds=500)
SILENT_AFTER = 2.5 * HEARTBEAT
"""Without any sign of life for this long, the consumer is made again."""

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
        self._pull: PromptPull | None = None
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
                    _end_if_cancelled()
                    await asyncio.sleep(LOOK_EVERY.total_seconds())
            except (NatsError, BrokerError, OSError) as error:
                self._tell(connected=False, reason=str(error) or type(error).__name__)
            finally:
                await self._unsubscribe()
                await _close(broker)
            _end_if_cancelled()
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
            if self._pull is not None and await self._is_silent(self._pull):
                log.warning("consumer is made again")
                await self._unsubscribe()
            if self._subscriber is None:
                await self._subscribe(broker)
        except (NatsError, BrokerError, TimeoutError) as error:
            self._tell(connected=False, reason=str(error) or type(error).__name__)
        else:
            self._tell(connected=True)

    async def _is_silent(self, pull: PromptPull) -> bool:
        """Say whether the server answers, but no longer for this consumer."""
        if time.monotonic() - pull.heard < SILENT_AFTER.total_seconds():
            return False
        with suppress(NotFoundError):
            async with asyncio.timeout(_API_LIMIT_SECONDS):
                await pull.consumer_info()
        return True

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
                for inbox in self._inboxes:
                    inbox.put(tuple(messages))

        subscriber(hand_over)
        self._subscriber = subscriber
        try:
            await subscriber.start()
        except BaseException:
            await self._unsubscribe()
            raise
        assert subscriber.subscription is not None
        self._pull = PromptPull(connection, subscriber.subscription, MOST_MESSAGES)
        subscriber.subscription = self._pull  # type: ignore[assignment]

    async def _unsubscribe(self) -> None:
        subscriber, self._subscriber, self._pull = self._subscriber, None, None
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


def _end_if_cancelled() -> None:
    """End this task where a wait has lost its cancellation: Python 3.11 does when a result comes with it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


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
