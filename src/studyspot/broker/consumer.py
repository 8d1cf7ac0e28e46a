"""Following the stream: in order, nothing missing, nothing twice, whatever happens to NATS meanwhile."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from studyspot.broker.delivery import HEARTBEAT, Delivery
from studyspot.broker.errors import BrokerClosed, BrokerUnavailable, EpochChanged, PositionForgotten
from studyspot.broker.stream import STREAM, StreamMessage, StreamState, stream_state
from studyspot.broker.subjects import reduce_subjects

SILENT_AFTER = 2.5 * HEARTBEAT
"""Without any sign of life for this long, the consumer is made again."""

LOOK_EVERY = timedelta(milliseconds=250)
_RETRY_AFTER = timedelta(milliseconds=200)
API_LIMIT = timedelta(seconds=1)

log = structlog.get_logger()


class WatchedConsumer:
    """An endless `async for` over batches of messages: everything that has arrived, oldest first.

    It begins after position `after`. Where its consumer is missing or silent, the connection was lost or
    the stream was erased, it makes the consumer again at its own position + 1, and waits until there is
    a stream that reaches it: positions never go back, and without `subjects` none is ever skipped.
    It reads ahead a few MiB and then leaves the rest with the server until it is asked for.

    The iteration raises `EpochChanged` when positions belong to another history (`epoch`, if none is
    given, is the one found first), `PositionForgotten` when the stream no longer holds what comes next,
    and `BrokerClosed` when the connection is gone for good. After any of them a new consumer is needed.

    `on_silence` is called, while a batch is awaited, with `silent_since` as it becomes known, and with none
    when the stream is heard again.

    Attributes:
        position: the last position yielded, or `after`.
        epoch: the epoch of the stream; none until the stream was first seen.
    """

    def __init__(
        self,
        nc: Client,
        *,
        after: int,
        subjects: Sequence[str] = (),
        epoch: str | None = None,
        stream: str = STREAM,
        on_silence: Callable[[datetime | None], None] | None = None,
    ) -> None:
        self.position = after
        self.epoch = epoch
        self._nc = nc
        self._js = nc.jetstream(timeout=API_LIMIT.total_seconds())
        self._subjects = reduce_subjects(subjects)
        self._stream = stream
        self._on_silence = on_silence
        self._told_silence = False
        self._heard = time.monotonic()
        self._head = after
        self._delivery: Delivery | None = None

    @property
    def head(self) -> int:
        """The stream's last position, as far as known; exact for what arrives without `subjects`."""
        return max(self._head, self._delivery.head if self._delivery else 0, self.position)

    @property
    def silent_since(self) -> datetime | None:
        """When the stream was last heard (UTC), or none while it is heard."""
        if self._delivery is not None:
            self._heard = max(self._heard, self._delivery.heard)
            if self._nc.is_connected and self._delivery.is_heard(SILENT_AFTER):
                return None
        return datetime.now(UTC) - timedelta(seconds=time.monotonic() - self._heard)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[StreamMessage, ...]:
        while True:
            if self._nc.is_closed:
                raise BrokerClosed("the connection to NATS is closed")
            delivery = self._delivery or await self._begin()
            self._tell_silence()
            await self._allow_more(delivery)
            # Nothing may be awaited between taking and returning: a cancelled caller would lose it.
            if batch := delivery.take():
                self.position = batch[-1].position
                return batch
            if delivery.hole is not None:
                raise PositionForgotten(self.position, delivery.hole)
            if delivery.broken is not None:
                await self._end(delivery.broken)
                continue
            # A sign of life may be waiting to be read: silence is judged after a wait, never before.
            await delivery.wait(LOOK_EVERY)
            if self._nc.is_connected and not delivery.is_heard(SILENT_AFTER):
                await self._end("the stream is silent")

    async def close(self) -> None:
        """Stop following. The server drops the consumer by itself."""
        delivery, self._delivery = self._delivery, None
        if delivery is not None:
            await delivery.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _begin(self) -> Delivery:
        """Make the consumer, however long it takes until there is a stream for it."""
        complained = False
        while True:
            delivery = Delivery(self._nc, after=self.position, subjects=self._subjects, stream=self._stream)
            try:
                state = await start_delivery(delivery, self._js, self.epoch)
            except BrokerUnavailable as error:
                await delivery.stop()
                if not complained:
                    log.warning("stream not readable", position=self.position, reason=str(error))
                    complained = True
            except BaseException:
                await delivery.stop()
                raise
            else:
                self.epoch = state.epoch
                self._head = max(self._head, state.last_position)
                self._delivery = delivery
                return delivery
            self._tell_silence()
            await asyncio.sleep(_RETRY_AFTER.total_seconds())

    async def _end(self, reason: str) -> None:
        log.warning("consumer is made again", position=self.position, reason=reason)
        await self.close()

    async def _allow_more(self, delivery: Delivery) -> None:
        try:
            await delivery.allow_more()
        except BrokerUnavailable as error:
            # The connection is away: what has arrived is still good, the rest is asked for again.
            log.debug("flow control not answered", reason=str(error))

    def _tell_silence(self) -> None:
        silent_since = self.silent_since
        if (silent_since is not None) != self._told_silence:
            self._told_silence = silent_since is not None
            if self._on_silence is not None:
                self._on_silence(silent_since)


async def start_delivery(delivery: Delivery, js: JetStreamContext, epoch: str | None) -> StreamState:
    """Make the consumer of a delivery and return the state of the stream that it belongs to.

    Raises:
        EpochChanged, PositionForgotten, BrokerUnavailable, BrokerClosed
    """
    after = delivery.passed
    try:
        await delivery.start(js)
    except NotFoundError as error:
        raise BrokerUnavailable(f"the stream {delivery.stream} is missing") from error
    # Asked after the consumer was made, which thus belongs to this very stream or is gone again.
    state = await stream_state(js, delivery.stream)
    if state is None:
        raise BrokerUnavailable(f"the stream {delivery.stream} is gone")
    if epoch is not None and state.epoch != epoch:
        raise EpochChanged(epoch, state.epoch)
    if state.first_position > after + 1:
        raise PositionForgotten(after, state.first_position)
    return state
