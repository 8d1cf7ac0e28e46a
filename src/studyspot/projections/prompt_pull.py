"""How FastStream gets its batches: at once, from one request that stays open."""

import asyncio
import json
import time
from datetime import timedelta

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import StatusCode

from studyspot.broker.stream import STREAM

HEARTBEAT = timedelta(milliseconds=500)
"""The server says so often that it has nothing."""

EXPIRES = timedelta(seconds=30)
LEAST_BETWEEN = timedelta(milliseconds=20)
"""Batches follow no closer: one costs much the same however many events share it."""


class PromptPull:
    """A pull subscription that FastStream gets every message of, as soon as it is there.

    It stands in for that of nats-py, whose `fetch` asks anew for each batch and keeps what comes first back
    until its time is up: seen with 2.16 at 500 events a second, batches of 46 every 91 ms. A bare
    TimeoutError of it, between two requests, ends FastStream's task (0.7.8), which is begun again without a
    word, and what it had gathered is lost: 4 in 100 messages at 60 a second. And where requests fail at once,
    as all do on a connection that is closed, FastStream repeats them without a pause in which anything else
    of the process could run.

    `heard` is when the server last spoke for this consumer, in seconds of `time.monotonic`, or 0
    when it is gone.
    """

    def __init__(
        self, connection: Client, subscription: JetStreamContext.PullSubscription, batch: int
    ) -> None:
        """`batch` is the size of the batches that FastStream was told to make."""
        self.heard = time.monotonic()
        self.consumer_info = subscription.consumer_info
        self._connection = connection
        self._subscription = subscription
        self._batch = batch
        self._answers: Subscription | None = None
        self._requests = ""
        self._awaited = 0
        self._messages: list[Msg] = []
        self._some = asyncio.Event()
        self._brought = 0.0

    async def fetch(self, batch: int, timeout: float) -> list[Msg]:
        """Return what is there, or comes first within `timeout` seconds.

        Raises:
            NatsTimeoutError: nothing came, or FastStream has something already, which it then hands over.
        """
        if batch < self._batch:
            raise NatsTimeoutError
        await asyncio.sleep(self._brought + LEAST_BETWEEN.total_seconds() - time.monotonic())
        try:
            if self._awaited <= 0 and not self._messages:
                await self._ask()
        except NatsError as error:
            # What is wrong, and whether it passes, whoever watches the subscriber finds out.
            await asyncio.sleep(timeout)
            raise NatsTimeoutError from error
        try:
            async with asyncio.timeout(timeout):
                await self._some.wait()
        except TimeoutError as error:
            raise NatsTimeoutError from error
        messages, self._messages = self._messages, []
        self._some.clear()
        self._brought = time.monotonic()
        return messages

    async def unsubscribe(self) -> None:
        """Ask for nothing any more."""
        if self._answers is not None:
            await self._answers.unsubscribe()
        await self._subscription.unsubscribe()

    async def _ask(self) -> None:
        """Ask for as many messages as FastStream takes at once, each as soon as the server has it."""
        if self._answers is None:
            name = (await self.consumer_info()).name
            self._requests = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{name}"
            self._answers = await self._connection.subscribe(self._connection.new_inbox(), cb=self._answered)
        request = {
            "batch": self._batch,
            "expires": _nanoseconds(EXPIRES),
            "idle_heartbeat": _nanoseconds(HEARTBEAT),
        }
        await self._connection.publish(self._requests, json.dumps(request).encode(), self._answers.subject)
        self._awaited = self._batch

    async def _answered(self, message: Msg) -> None:
        status = JetStreamContext.is_status_msg(message)
        if status is None:
            self._messages.append(message)
            self._some.set()
            self._awaited -= 1
        elif status != StatusCode.CONTROL_MESSAGE:
            self._awaited = 0
        # In conflict with a request is that there is no such consumer any more, or soon.
        gone = status in (StatusCode.CONFLICT, StatusCode.SERVICE_UNAVAILABLE)
        self.heard = 0.0 if gone else time.monotonic()


def _nanoseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1000
