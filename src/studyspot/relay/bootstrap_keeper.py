"""Keeps the bootstrap bucket: what a fan-out must know from before its window, copied behind the publishing.

What is published reaches the bucket a moment later, in order, from the store. Whatever befalls the bucket
delays the bucket alone. Where it is missing, incomplete, of another epoch, ahead of the log, or kept by a
release with other keys, it is filled from the store.
"""

import asyncio
from datetime import timedelta
from itertools import count

import structlog
from nats.aio.client import Client

from studyspot.broker.bootstrap import KEYS, BootstrapWriter, Reached, key_of
from studyspot.broker.errors import BrokerClosed, BrokerUnavailable, PublishRejected
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion
from studyspot.relay.messages import message_of
from studyspot.relay.metrics import RelayMetrics

SPAN = 2_000
PAUSE = timedelta(milliseconds=250)
"""Between two writes: what happens meanwhile is written together."""
LOOK_EVERY = timedelta(seconds=5)
"""How soon it is noticed that the bucket was lost, while nothing happens."""
RETRY_AFTER = timedelta(seconds=1)
API_LIMIT = timedelta(seconds=2)

_KEPT = (Criterion(types=tuple(KEYS)),)

log = structlog.get_logger()


class _LogIsShorter(Exception):
    """The store lacks what was published: the relay finds out, and halts."""


class BootstrapKeeper:
    """Brings the bucket to where it is told that the stream has come; any number may run at once."""

    def __init__(
        self, store: EventStore, nc: Client, *, metrics: RelayMetrics, replicas: int = 1, span: int = SPAN
    ) -> None:
        """Make it; of `span` positions at a time the events that are kept are read."""
        self._store = store
        self._span = span
        self._metrics = metrics
        js = nc.jetstream(timeout=API_LIMIT.total_seconds())
        self._writer = BootstrapWriter(nc, js, replicas=replicas)
        self._told: tuple[str, int] | None = None
        self._moved = asyncio.Event()
        self._reached: Reached | None = None
        self._trouble: str | None = None

    def tell(self, epoch: str, position: int) -> None:
        """The stream of `epoch` has everything up to `position`."""
        if self._told != (epoch, position):
            self._told = (epoch, position)
            self._moved.set()
            self._measure()

    def rest(self) -> None:
        """Leave the bucket to another relay."""
        self._told = None
        self._measure()

    async def run(self) -> None:
        """Keep the bucket until cancelled, or until the connection to NATS is gone for good."""
        try:
            while True:
                pause = PAUSE
                try:
                    await self._keep()
                    self._measure()
                    self._be_content()
                except BrokerClosed:
                    return  # The relay tells of it.
                except PublishRejected as rejection:
                    self._reached = None
                    log.info("bootstrap bucket was written by another", detail=rejection.detail)
                except (BrokerUnavailable, StoreUnavailable, _LogIsShorter) as error:
                    self._complain(error)
                    pause = RETRY_AFTER
                except Exception as error:  # noqa: BLE001  # Not even a mistake of ours may stop the relay.
                    self._complain(error)
                    pause = RETRY_AFTER
                await asyncio.sleep(pause.total_seconds())
                await self._wait()
        finally:
            await self._writer.close()

    async def _wait(self) -> None:
        """Wait until there may be something to do."""
        if self._reached is None and self._told is not None:
            return
        try:
            async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                await self._moved.wait()
        except TimeoutError:
            self._reached = None  # What became of the bucket meanwhile is looked at.

    async def _keep(self) -> None:
        """Bring the bucket to where the stream is."""
        self._moved.clear()
        if self._told is None:
            return
        epoch, until = self._told
        if self._reached is None:
            self._reached = await self._writer.look()
        reached = self._reached
        if reached is None or reached.epoch != epoch or reached.keys != KEYS:
            await self._fill(epoch, until, "it is missing" if reached is None else "it is another's")
        elif reached.position > until:
            # Another relay may have been told more; only what is ahead of the log is wrong.
            if reached.position > (await asyncio.to_thread(self._store.head)).position:
                await self._fill(epoch, until, "it is ahead of the log")
        else:
            await self._advance(reached, until)

    async def _advance(self, reached: Reached, until: int) -> None:
        while reached.position < until:
            position = min(reached.position + self._span, until)
            entries = await self._read(reached.position, position)
            reached = Reached(reached.epoch, position, KEYS)
            await self._writer.put(entries, reached)
            self._reached = reached

    async def _fill(self, epoch: str, until: int, reason: str) -> None:
        """Make the bucket what the log says, whatever it held."""
        log.info("bootstrap bucket is filled", epoch=epoch, position=until, reason=reason)
        self._reached = None
        await self._writer.invalidate()
        obsolete = await self._writer.keys()
        for after in count(0, self._span):
            if after >= until:
                break
            entries = await self._read(after, min(after + self._span, until))
            obsolete.difference_update(entries)
            await self._writer.put(entries)
        reached = Reached(epoch, until, KEYS)
        await self._writer.put(dict.fromkeys(obsolete, b""), reached)
        self._reached = reached

    async def _read(self, after: int, until: int) -> dict[str, bytes]:
        """Return the newest message of each key in (`after`, `until`].

        Raises:
            StoreUnavailable
        """
        page = await self._store.read_async(_KEPT, after=after, until=until)
        if page.head < until:
            raise _LogIsShorter(f"position {until} was published, the store has only {page.head}")
        entries: dict[str, bytes] = {}
        for event in page.events:
            message = message_of(event)
            if key := key_of(message.subject, message.body):
                entries[key] = message.body
        return entries

    def _measure(self) -> None:
        _, told = self._told or ("", 0)
        reached = self._reached.position if self._reached is not None else 0
        self._metrics.bootstrap_lag.set(max(told - reached, 0))

    def _complain(self, error: Exception) -> None:
        """Log a lasting trouble once."""
        self._reached = None
        trouble = type(error).__name__
        if trouble != self._trouble:
            self._trouble = trouble
            known = isinstance(error, BrokerUnavailable | StoreUnavailable | _LogIsShorter)
            log.warning("bootstrap bucket waits", reason=str(error), exc_info=None if known else error)

    def _be_content(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            log.info("bootstrap bucket is kept again")
