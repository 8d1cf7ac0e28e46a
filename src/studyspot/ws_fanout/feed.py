"""The feed: follows the stream for the hub, through every loss of NATS and every new epoch."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from nats.aio.client import Client

from studyspot.broker.consumer import WatchedConsumer
from studyspot.broker.errors import BrokerUnavailable, EpochChanged, PositionForgotten
from studyspot.broker.stream import StreamMessage, stream_state
from studyspot.catalogue.cloudevents import UnknownMessage
from studyspot.catalogue.codec import Recorded
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.beginning import Beginning, RightsUnknown, learn_beginning
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.routed import RoutedEvent, routed, slices

_RETRY_AFTER = timedelta(milliseconds=250)
_ASK_RELAY_AGAIN = timedelta(seconds=1)
_READ_AGAIN = timedelta(seconds=5)
_LOOK_AT_STREAM_EVERY = timedelta(seconds=10)

log = structlog.get_logger()


class Feed:
    """Keeps a hub at the head of the stream.

    Attributes:
        is_ready: the hub has reached what was the head when it began; sockets may come.
        trouble: why it is not ready, as far as that is known.
    """

    def __init__(self, nc: Client, hub: Hub, *, window_events: int) -> None:
        self.is_ready = False
        self.trouble: str | None = None
        self._nc = nc
        self._hub = hub
        self._window_events = window_events
        self._consumer: WatchedConsumer | None = None

    @property
    def stream_head(self) -> int:
        """The stream's last position, as far as known; never before the hub's head."""
        return max(self._consumer.head if self._consumer is not None else 0, self._hub.head)

    async def run(self) -> None:
        """Follow the stream without end.

        Raises:
            BrokerClosed: the connection is gone for good.
        """
        while True:
            try:
                # The newest events fill the window first: a resume across our own restart needs no stream.
                beginning = await learn_beginning(self._nc, window_events=self._window_events)
                try:
                    await self._follow(beginning)
                finally:
                    self.is_ready = False
                    self._consumer = None
            except (EpochChanged, PositionForgotten) as error:
                log.warning("history ended", epoch=self._hub.epoch, head=self._hub.head, reason=str(error))
            except BrokerUnavailable as error:
                self._tell_trouble("stream not readable", str(error))
                await asyncio.sleep(_RETRY_AFTER.total_seconds())
            except RightsUnknown as error:
                self._tell_trouble("rights not known", str(error))
                await asyncio.sleep(_ASK_RELAY_AGAIN.total_seconds())
            except UnknownMessage as error:
                # It may change rights: nothing that comes after it may be shown, here.
                self._tell_trouble("event of a newer release", f"only a newer release can read {error}")
                self._send_elsewhere()
                await asyncio.sleep(_READ_AGAIN.total_seconds())
            finally:
                self._hub.dismiss_all()

    async def look_at_stream(self) -> None:
        """Keep the oldest position that the stream holds up to date."""
        js = self._nc.jetstream(timeout=2)
        while True:
            await asyncio.sleep(_LOOK_AT_STREAM_EVERY.total_seconds())
            try:
                state = await stream_state(js)
            except BrokerUnavailable:
                # The consumer tells of it; the oldest position stays as it was.
                continue
            if state is not None and state.epoch == self._hub.epoch:
                self._hub.first_position = state.first_position

    async def _follow(self, beginning: Beginning) -> None:
        state, after = beginning.state, beginning.after
        self._hub.begin(state.epoch, after, state.first_position, beginning.rights, beginning.scene)
        consumer = WatchedConsumer(self._nc, after=after, epoch=state.epoch, on_silence=self._tell_silence)
        self._consumer = consumer
        async with consumer:
            while True:
                if not self.is_ready and self._hub.head >= state.last_position:
                    self.is_ready = True
                    self.trouble = None
                    log.info("following", epoch=state.epoch, head=self._hub.head)
                for messages in slices(await anext(consumer)):
                    readable, unknown = _readable(messages)
                    if readable:
                        self._hub.publish(readable)
                        await self._let_sockets_be_written()
                    if unknown is not None:
                        raise unknown

    async def _let_sockets_be_written(self) -> None:
        await asyncio.sleep(0)
        while self._hub.is_congested:  # noqa: ASYNC110  # The hub is being driven: each turn writes a part.
            await asyncio.sleep(0)

    def _send_elsewhere(self) -> None:
        for peer in self._hub.peers:
            self._hub.close(peer, CloseCode.DRAINING, "this node waits for a newer release")

    def _tell_trouble(self, what: str, reason: str) -> None:
        """Keep the reason for whoever asks, and log it once."""
        if reason != self.trouble:
            self.trouble = reason
            log.warning(what, head=self._hub.head, reason=reason)

    def _tell_silence(self, since: datetime | None) -> None:
        if since is None:
            log.info("stream heard again", head=self._hub.head)
        else:
            log.warning("stream silent", head=self._hub.head, since=since.isoformat())
        self._hub.tell_staleness(since)


def _readable(
    messages: Sequence[StreamMessage],
) -> tuple[list[tuple[RoutedEvent, Recorded | None]], UnknownMessage | None]:
    """Return what can be read up to the first message of a newer release, and what is wrong with that one."""
    readable: list[tuple[RoutedEvent, Recorded | None]] = []
    try:
        for message in messages:
            readable.append(routed(message))  # noqa: PERF401  # What came before an error is kept.
    except UnknownMessage as error:
        return readable, error
    return readable, None
