"""What one ephemeral consumer has brought, until it breaks.

A push consumer with heartbeats and flow control, on an inbox of its own. The client's ordered consumer is
not used: it was seen to return only 16 s after its stream was erased, and to begin again at 1.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ConnectionDrainingError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, Header

from studyspot.broker.errors import reaching_broker
from studyspot.broker.stream import STREAM, StreamMessage

HEARTBEAT = timedelta(milliseconds=500)
FORGOTTEN_AFTER = timedelta(seconds=5)
"""The server drops the consumer when nobody has listened to it for this long."""
HELD_BYTES = 64 * 1024 * 1024
"""More than the server sends without our word (32 MiB); beyond it the delivery counts as broken."""

_ACKNOWLEDGEMENT = "$JS.ACK."
_TOKENS_WITHOUT_DOMAIN = 9
_LAST_CONSUMER = Header.LAST_CONSUMER.value
_LAST_STREAM = Header.LAST_STREAM.value
_STALLED = Header.CONSUMER_STALLED.value


class Delivery:
    """Messages after a position, in order and without loss, as far as they have arrived.

    Attributes:
        stream: the stream's name.
        broken: why nothing more will come, or none.
        hole: the first position found where an earlier one was due, in an unfiltered delivery whose
            server had nothing in between.
        heard: when the server last gave a sign of life, by `time.monotonic()`.
        passed: everything up to this position that the filters match has arrived.
        drained: no further match was in the stream when the last message was sent.
        head: the last position of the stream, as far as known.
    """

    def __init__(self, nc: Client, *, after: int, subjects: Sequence[str] = (), stream: str = STREAM) -> None:
        self.broken: str | None = None
        self.hole: int | None = None
        self.heard = time.monotonic()
        self.passed = after
        self.head = after
        self.drained = False
        self.stream = stream
        self._nc = nc
        self._subjects = tuple(subjects)
        self._last = after
        self._count = 0
        self._arrived: list[StreamMessage] = []
        self._held_bytes = 0
        self._changed = asyncio.Event()
        self._flow_reply: str | None = None
        self._reconnects = nc.stats["reconnects"]
        self._subscription: Subscription | None = None

    async def start(self, js: JetStreamContext) -> None:
        """Make the consumer, which begins to send.

        Raises:
            NotFoundError: there is no such stream.
            BrokerUnavailable, BrokerClosed
        """
        with reaching_broker():
            inbox = self._nc.new_inbox()
            self._subscription = await self._nc.subscribe(inbox, cb=self._receive)
            info = await js.add_consumer(
                self.stream,
                ConsumerConfig(
                    deliver_subject=inbox,
                    deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                    opt_start_seq=self._last + 1,
                    filter_subjects=list(self._subjects) or None,
                    ack_policy=AckPolicy.NONE,
                    idle_heartbeat=HEARTBEAT.total_seconds(),
                    flow_control=True,
                    inactive_threshold=FORGOTTEN_AFTER.total_seconds(),
                    mem_storage=True,
                    num_replicas=1,
                ),
            )
        self.heard = time.monotonic()
        if not self._count:
            self.drained = not info.num_pending

    async def stop(self) -> None:
        """Stop listening; the server drops the consumer by itself."""
        subscription, self._subscription = self._subscription, None
        if subscription is None or self._nc.is_closed:
            return
        with suppress(ConnectionDrainingError):  # A connection that drains ends its subscriptions itself.
            await subscription.unsubscribe()

    def is_heard(self, limit: timedelta) -> bool:
        """Return whether the server gave a sign of life within the last `limit`."""
        return time.monotonic() - self.heard < limit.total_seconds()

    def take(self) -> tuple[StreamMessage, ...]:
        """Return everything that has arrived and was not taken yet."""
        arrived, self._arrived = tuple(self._arrived), []
        self._held_bytes = 0
        return arrived

    async def wait(self, limit: timedelta) -> None:
        """Wait until something is to be taken or the delivery broke, at most `limit`."""
        if self._nc.stats["reconnects"] != self._reconnects:
            self._break("the connection was lost")
        if self._arrived or self.broken or self.hole:
            return
        self._changed.clear()
        try:
            async with asyncio.timeout(limit.total_seconds()):
                await self._changed.wait()
        except TimeoutError:
            return

    async def allow_more(self) -> None:
        """Let the server send more, if it waits for our word.

        Raises:
            BrokerUnavailable, BrokerClosed
        """
        reply, self._flow_reply = self._flow_reply, None
        if reply is not None:
            with reaching_broker():
                await self._nc.publish(reply)

    async def _receive(self, message: Msg) -> None:
        if self._subscription is None or self.broken or self.hole:
            return
        self.heard = time.monotonic()
        if message.reply.startswith(_ACKNOWLEDGEMENT):
            self._keep(message)
            return
        headers = message.headers or {}
        if _LAST_CONSUMER in headers:
            self._beat(headers)
        self._flow_reply = message.reply or headers.get(_STALLED) or self._flow_reply
        if not self._arrived:
            await self.allow_more()

    def _keep(self, message: Msg) -> None:
        # $JS.ACK.<stream>.<consumer>.<delivered>.<position>.<count>.<time>.<pending>, or a form that
        # begins with domain and account and may end in a random token.
        tokens = message.reply.split(".")
        at = 5 if len(tokens) == _TOKENS_WITHOUT_DOMAIN else 7
        position, count, pending = int(tokens[at]), int(tokens[at + 1]), int(tokens[at + 3])
        if count != self._count + 1:
            self._break(f"message {count} of the delivery came after {self._count}")
            return
        self._count = count
        if position <= self._last:
            return
        if not self._subjects:
            if position != self._last + 1:
                self.hole = position
                self._changed.set()
                return
            self.head = position + pending
        self._held_bytes += len(message.data)
        if self._held_bytes > HELD_BYTES:
            self._break("more arrived than is held")
            return
        self._last = self.passed = position
        self.head = max(self.head, position)
        self.drained = not pending
        self._arrived.append(StreamMessage(position, message.subject, message.data))
        self._changed.set()

    def _beat(self, headers: dict[str, str]) -> None:
        sent = int(headers[_LAST_CONSUMER])
        if sent != self._count:
            self._break(f"{sent} messages were sent, {self._count} arrived")
            return
        self.passed = max(self.passed, int(headers.get(_LAST_STREAM, 0)))
        self._changed.set()

    def _break(self, reason: str) -> None:
        self.broken = self.broken or reason
        self._changed.set()
