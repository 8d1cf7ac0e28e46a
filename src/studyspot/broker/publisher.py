"""Publishing in order, each message at exactly its position, or not at all."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import BadSubjectError, ConnectionDrainingError
from nats.js.api import Header

from studyspot.broker.errors import BrokerClosed, PublishRejected, PublishTimedOut, reaching_broker
from studyspot.broker.stream import STREAM, StreamMessage

WINDOW_BYTES = 1024 * 1024
"""Unacknowledged bytes at any time; at least one message is always under way."""
HEADER_BYTES = 100
"""No less than the header of a message takes."""

_LOOK_EVERY = timedelta(milliseconds=100)


class FencedPublisher:
    """Publishes messages on condition that the stream ends just before each of them.

    The server rejects a duplicate, a gap and a rival's late message, and after one rejection all that
    follow in the pipeline. Messages carry no `Nats-Msg-Id`: a repeated id would be acknowledged without
    being stored. Acknowledgements come to an inbox of our own, because the client's own pipelining never
    completes the future of a rejected message.

    One `publish` at a time; `close` when done.
    """

    def __init__(self, nc: Client, *, stream: str = STREAM) -> None:
        self._nc = nc
        self._stream = stream
        self._inbox = nc.new_inbox()
        self._runs = count(1)
        self._run = _Run("", 0)
        self._subscription: Subscription | None = None

    async def publish(
        self,
        messages: Sequence[StreamMessage],
        *,
        window: int = 1000,
        timeout: timedelta = timedelta(seconds=2),
    ) -> int:
        """Publish contiguous messages, and return the last position once all are acknowledged.

        At most `window` messages are under way at a time; `timeout` is the longest wait for any further
        acknowledgement.

        Raises:
            PublishRejected: a message was refused, and every earlier one is stored. Those that follow were
                refused as well, unless a rival stored the missing one meanwhile.
            PublishTimedOut: what follows its `after` may be stored or not.
            BrokerUnavailable, BrokerClosed
        """
        if not messages:
            raise ValueError("nothing to publish")
        if self._nc.is_closed:
            raise BrokerClosed("the connection to NATS is closed")
        if self._subscription is None:
            with reaching_broker():
                self._subscription = await self._nc.subscribe(f"{self._inbox}.*.*", cb=self._acknowledge)
        run = self._run = _Run(str(next(self._runs)), self._nc.stats["reconnects"])
        for message in messages:
            while not run.has_room(window, len(message.body)):
                await self._progress(run, timeout)
            if run.rejection is not None:
                break
            await self._send(run, message)
        while run.under_way:
            await self._progress(run, timeout)
        if run.rejection is not None:
            raise run.rejection
        return messages[-1].position

    async def close(self) -> None:
        """Give up the inbox; what is under way stays unknown."""
        subscription, self._subscription = self._subscription, None
        if subscription is None or self._nc.is_closed:
            return
        with suppress(ConnectionDrainingError):  # A connection that drains ends its subscriptions itself.
            await subscription.unsubscribe()

    async def _progress(self, run: "_Run", timeout: timedelta) -> None:
        """Wait for a further answer; on a connection that was lost none will come."""
        begun = time.monotonic()
        while not await run.answered(min(timeout, _LOOK_EVERY)) and run.under_way:
            lost = not self._nc.is_connected or self._nc.stats["reconnects"] != run.reconnects
            if lost or time.monotonic() - begun >= timeout.total_seconds():
                raise run.rejection or PublishTimedOut(min(run.under_way) - 1)

    async def _send(self, run: "_Run", message: StreamMessage) -> None:
        position = message.position
        run.under_way[position] = len(message.body)
        run.bytes_under_way += len(message.body)
        # The server counts the header too, and closes the connection for good over an excess.
        if len(message.body) + HEADER_BYTES > self._nc.max_payload:
            run.answer(position, "not publishable: larger than the server takes")
            return
        try:
            with reaching_broker():
                await self._nc.publish(
                    message.subject,
                    message.body,
                    reply=f"{self._inbox}.{run.name}.{position}",
                    headers={Header.EXPECTED_LAST_SEQUENCE.value: str(position - 1)},
                )
        except BadSubjectError:
            run.answer(position, f"not publishable: the subject {message.subject!r}")

    async def _acknowledge(self, answer: Msg) -> None:
        _, run, position = answer.subject.rsplit(".", 2)
        if run == self._run.name:  # An earlier run's stragglers say nothing about this one.
            self._run.answer(int(position), _refusal(answer, self._stream, int(position)))


class _Run:
    """What is under way in one call of `publish`."""

    def __init__(self, name: str, reconnects: int) -> None:
        self.name = name
        self.reconnects = reconnects
        self.under_way: dict[int, int] = {}
        self.bytes_under_way = 0
        self.rejection: PublishRejected | None = None
        self._changed = asyncio.Event()

    def has_room(self, window: int, size: int) -> bool:
        if not self.under_way or self.rejection is not None:
            return True
        return len(self.under_way) < window and self.bytes_under_way + size <= WINDOW_BYTES

    def answer(self, position: int, refusal: str | None) -> None:
        size = self.under_way.pop(position, None)
        if size is None:
            return
        self.bytes_under_way -= size
        # In a cluster a refusal may overtake the acknowledgements of earlier messages.
        if refusal is not None and (self.rejection is None or position < self.rejection.position):
            self.rejection = PublishRejected(position, refusal)
        self._changed.set()

    async def answered(self, limit: timedelta) -> bool:
        """Wait at most `limit` for a further answer, and return whether there was one."""
        self._changed.clear()
        try:
            async with asyncio.timeout(limit.total_seconds()):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True


def _refusal(answer: Msg, stream: str, position: int) -> str | None:
    """Return why the stream did not store the message at its position, or nothing where it did."""
    if not answer.data:
        status = (answer.headers or {}).get(Header.STATUS.value, "")
        return "no stream takes it" if status == "503" else f"empty answer, status {status or 'unknown'}"
    try:
        acknowledgement = orjson.loads(answer.data)
        if error := acknowledgement.get("error"):
            return f"{error.get('description')} ({error.get('err_code')})"
        stored_at = acknowledgement["stream"], acknowledgement["seq"]
        if stored_at == (stream, position) and not acknowledgement.get("duplicate"):
            return None
    except (orjson.JSONDecodeError, AttributeError, KeyError) as error:
        return f"unreadable answer: {error!r}"
    return f"acknowledged as {answer.data.decode(errors='replace')}"
