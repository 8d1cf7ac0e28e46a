"""One projection, kept up with the log: from the broker, and from the store where the broker is silent."""

import asyncio
import random
import time
from datetime import timedelta

import psycopg
import structlog

from studyspot.broker.stream import StreamMessage
from studyspot.catalogue.cloudevents import UnknownMessage, UnreadableMessage
from studyspot.catalogue.types import UnknownEvent
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from studyspot.projections.announcing import Announcer
from studyspot.projections.applier import Applier, Batch
from studyspot.projections.convoy import Convoy
from studyspot.projections.errors import BuildSuperseded, ProjectionAhead, ProjectionStopped
from studyspot.projections.feed import Beginning
from studyspot.projections.inbox import Inbox
from studyspot.projections.metrics import observe, observe_parked
from studyspot.projections.projection import Projection
from studyspot.projections.selection import Selection, is_contiguous

SILENCE = timedelta(seconds=1)
"""The log is read when its head is ahead and the broker has brought nothing for this long."""

CHECK_EVERY = timedelta(seconds=1)
PAGE = 1000
FIRST_RETRY = timedelta(milliseconds=200)
LAST_RETRY = timedelta(seconds=2)

OUTAGES = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    # A server that may only be read for now, a transaction that took too long, and what is broken inside.
    psycopg.InternalError,
    # A plan that another's new tables have made void.
    psycopg.NotSupportedError,
    # Before its first migration a database has no log; `up` migrates while workers start.
    psycopg.errors.UndefinedTable,
    StoreUnavailable,
)

log = structlog.get_logger()


class Worker:
    """Applies every event to one projection, in order, exactly once in effect, but those that are parked.

    Only the position in the table counts: what comes twice is left out, what does not come is read from the
    log, and a rival's batch moves the position for both.
    """

    def __init__(
        self,
        projection: Projection,
        *,
        database_url: str,
        store: EventStore,
        signal: HeadSignal,
        announcer: Announcer,
        convoy: Convoy,
    ) -> None:
        self.projection = projection
        self.inbox = Inbox()
        self.stopped: ProjectionStopped | None = None
        self.parked = 0
        self._database_url = database_url
        self._store = store
        self._signal = signal
        self._announcer = announcer
        self._convoy = convoy
        self._selection = Selection(projection)
        self._applier: Applier | None = None
        # What was missed is read from the log, which a start does not leave to the broker.
        self._broker_silent = True
        self._served = False
        self._away = False
        self._unknown: tuple[int, str] | None = None
        self._checked = 0.0
        self._ending = asyncio.Event()

    @property
    def keeps_up(self) -> bool:
        """Whether it can go on, with a database, and is at most a page behind what is known of the log."""
        return self.trouble is None and not self._away and self.needs is not None

    @property
    def trouble(self) -> str | None:
        """Why it cannot go on, where neither time nor the database mends it."""
        if self.stopped is not None:
            return self.stopped.reason
        if self._unknown is not None and self._unknown[0] == self.position:
            return self._unknown[1]
        return None

    @property
    def position(self) -> int:
        """The position of the build that it keeps up; 0 until it is known."""
        return self._applier.position if self._applier is not None else 0

    @property
    def needs(self) -> Beginning | None:
        """From where it needs the stream's messages; none while it is pages behind, or not there yet."""
        if self._applier is None or self._signal.position - self._applier.position > PAGE:
            return None
        return Beginning(self._applier.position, self._applier.epoch)

    def end(self) -> None:
        """Let `run` return after the batch that is being applied."""
        self._ending.set()

    async def run(self) -> None:
        """Keep the projection up until `end`; wait where database or broker are away.

        Raises:
            ProjectionStopped: it cannot go on without an operator.
        """
        try:
            await self._follow()
        except ProjectionStopped as stopped:
            self.stopped = stopped
            raise
        finally:
            if self._applier is not None:
                await self._applier.close()

    async def _follow(self) -> None:
        retry = FIRST_RETRY
        while not self._ending.is_set():
            try:
                await self._open()
                if self._away:
                    log.info("database is back", projection=self.projection.name, position=self.position)
                retry, self._away = FIRST_RETRY, False
                while not self._ending.is_set():
                    await self._step()
            except BuildSuperseded as build:
                log.info(
                    "projection moves to another build", projection=self.projection.name, left=str(build)
                )
            except UnknownEvent as error:
                self._tell_unknown(str(error))
                await self._pause(LAST_RETRY)
            except OUTAGES as error:
                if not self._away:
                    log.warning(
                        "projection waits for the database",
                        projection=self.projection.name,
                        position=self.position,
                        reason=str(error).strip(),
                    )
                self._away = True
                await self._pause(retry)
                retry = min(retry * 2, LAST_RETRY)

    async def _open(self) -> None:
        if self._applier is not None:
            await self._applier.close()
        head = await asyncio.to_thread(self._store.head)
        self._applier = await Applier.open(self._database_url, self.projection, head.epoch, self._convoy)
        await self._check(self._applier)
        log.info("projection follows the log", projection=self.projection.name, position=self.position)

    async def _step(self) -> None:
        """Apply what comes next, or find that nothing does."""
        applier = self._applier
        assert applier is not None
        if time.monotonic() - self._checked >= CHECK_EVERY.total_seconds():
            await self._check(applier)
        messages = await self._await_messages(applier)
        if messages:
            self._broker_silent = False
            await self._apply_messages(applier, messages)
        elif self._signal.look() > applier.position and not self._ending.is_set():
            self._broker_silent = True
            await self._apply_log(applier, until=self._signal.position)
        if applier.position >= self._signal.look() and await applier.serve():
            log.info(
                "readers read this build now", projection=self.projection.name, build=applier.build.number
            )

    async def _await_messages(self, applier: Applier) -> tuple[StreamMessage, ...]:
        """Return what the broker brings; nothing as soon as the log should be read instead."""
        if self._broker_silent:
            await self._convoy.rest()
            await self._signal.wait(applier.position, SILENCE)
            return self.inbox.take()
        return await self.inbox.next(SILENCE)

    async def _apply_messages(self, applier: Applier, messages: tuple[StreamMessage, ...]) -> None:
        last = messages[-1].position
        if last > self._signal.look():
            # The log is first to know its events: what was in the stream before may be of another history.
            known = await self._signal.wait(last - 1, SILENCE)
            if known < last:
                log.warning(
                    "stream is ahead of the log", projection=self.projection.name, stream=last, log=known
                )
            await self._apply_log(applier, until=min(last, known))
            return
        new = tuple(message for message in messages if message.position > applier.position)
        if not new:
            return
        try:
            batch = self._selection.of_messages(new) if is_contiguous(new, applier.position) else None
        except UnreadableMessage as error:
            # What a newer release wrote is told by the log, with its position.
            if not isinstance(error, UnknownMessage):
                log.warning("message is not an event", projection=self.projection.name, reason=str(error))
            batch = None
        if batch is None:
            await self._apply_log(applier, until=last)
        else:
            await self._apply(applier, batch)

    async def _apply_log(self, applier: Applier, until: int) -> None:
        while applier.position < until and not self._ending.is_set():
            page = await self._store.read_async(after=applier.position, until=until, limit=PAGE)
            if not page.events:
                return
            await self._apply(applier, self._selection.of_events(page.events))

    async def _apply(self, applier: Applier, batch: Batch) -> None:
        if await applier.apply(batch):
            self._announcer.tell(applier.build, applier.position)
            observe(self.projection.name, applier.position, *batch.times)

    async def _check(self, applier: Applier) -> None:
        """Follow the log into a new epoch, unless the rows are of events that it no longer has.

        Raises:
            ProjectionAhead: the projection must be rebuilt.
        """
        await applier.reread()
        self.parked = await applier.count_parked()
        observe_parked(self.projection.name, self.parked)
        head = await asyncio.to_thread(self._store.head)
        self._checked = time.monotonic()
        if head.position < applier.position:
            raise ProjectionAhead(self.projection.name, applier.position, head.position)
        if head.epoch != applier.epoch:
            await applier.adopt(head.epoch)
            log.info("projection is in a new epoch", projection=self.projection.name, epoch=head.epoch)

    def _tell_unknown(self, reason: str) -> None:
        unknown = (self.position, reason)
        if self._unknown != unknown:
            log.warning(
                "projection waits for a newer release",
                projection=self.projection.name,
                position=self.position + 1,
                reason=reason,
                mend="start the release that wrote this event; its workers go on from here",
            )
        self._unknown = unknown

    async def _pause(self, retry: timedelta) -> None:
        """Wait, a little more or less than others do, or until the end."""
        jitter = random.uniform(0.5, 1.5)  # noqa: S311  # Not a secret.
        try:
            async with asyncio.timeout(retry.total_seconds() * jitter):
                await self._ending.wait()
        except TimeoutError:
            return
