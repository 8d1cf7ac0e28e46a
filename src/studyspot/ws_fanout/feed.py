"""The feed: follows the stream for the hub, through every loss of NATS and every new epoch."""

import asyncio
from datetime import datetime, timedelta

import structlog
from nats.aio.client import Client

from studyspot.broker.consumer import WatchedConsumer
from studyspot.broker.errors import BrokerUnavailable, EpochChanged, PositionForgotten
from studyspot.broker.reading import read_range
from studyspot.broker.stream import StreamState, stream_state
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.rights import RIGHTS_SUBJECTS, Rights
from studyspot.ws_fanout.routed import routed, slices

_RETRY_AFTER = timedelta(milliseconds=250)
_LOOK_AT_STREAM_EVERY = timedelta(seconds=10)

log = structlog.get_logger()


class Feed:
    """Keeps a hub at the head of the stream.

    Attributes:
        is_ready: the hub has reached what was the head when it began; sockets may come.
    """

    def __init__(self, nc: Client, hub: Hub, *, window_events: int) -> None:
        self.is_ready = False
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
        complained = False
        while True:
            try:
                state = await self._stream()
                rights = await self._rights(state)
                complained = False
                await self._follow(state, rights)
            except (EpochChanged, PositionForgotten) as error:
                log.warning("history ended", epoch=self._hub.epoch, head=self._hub.head, reason=str(error))
            except BrokerUnavailable as error:
                if not complained:
                    log.warning("stream not readable", reason=str(error))
                    complained = True
                await asyncio.sleep(_RETRY_AFTER.total_seconds())
            finally:
                self.is_ready = False
                self._consumer = None
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

    async def _stream(self) -> StreamState:
        js = self._nc.jetstream(timeout=2)
        state = await stream_state(js)
        if state is None:
            raise BrokerUnavailable("there is no stream yet; the relay makes it")
        return state

    async def _rights(self, state: StreamState) -> Rights:
        """Fold what the stream says about rights, up to its head."""
        rights = Rights()
        async for batch in read_range(
            self._nc,
            after=state.first_position - 1,
            until=state.last_position,
            subjects=RIGHTS_SUBJECTS,
            epoch=state.epoch,
        ):
            for message in batch:
                _, recorded = routed(message)
                if recorded is not None:
                    rights.apply(recorded)
        return rights

    async def _follow(self, state: StreamState, rights: Rights) -> None:
        # The newest events fill the window first: a resume across our own restart needs no stream.
        after = max(state.first_position - 1, state.last_position - self._window_events)
        self._hub.begin(state.epoch, after, state.first_position, rights)
        consumer = WatchedConsumer(self._nc, after=after, epoch=state.epoch, on_silence=self._tell_silence)
        self._consumer = consumer
        async with consumer:
            while True:
                if not self.is_ready and self._hub.head >= state.last_position:
                    self.is_ready = True
                    log.info("following", epoch=state.epoch, head=self._hub.head)
                for messages in slices(await anext(consumer)):
                    self._hub.publish([routed(message) for message in messages])
                    await self._let_sockets_be_written()

    async def _let_sockets_be_written(self) -> None:
        await asyncio.sleep(0)
        while self._hub.is_congested:  # noqa: ASYNC110  # The hub is being driven: each turn writes a part.
            await asyncio.sleep(0)

    def _tell_silence(self, since: datetime | None) -> None:
        if since is None:
            log.info("stream heard again", head=self._hub.head)
        else:
            log.warning("stream silent", head=self._hub.head, since=since.isoformat())
        self._hub.tell_staleness(since)
