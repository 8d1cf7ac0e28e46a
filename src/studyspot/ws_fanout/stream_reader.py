"""Reads the stream for lanes that are older than the window: together for all who ask meanwhile."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from datetime import timedelta

import structlog
from nats.aio.client import Client

from studyspot.broker.errors import BrokerUnavailable, EpochChanged, PositionForgotten
from studyspot.broker.reading import read_range
from studyspot.broker.subjects import reduce_subjects
from studyspot.catalogue.cloudevents import UnknownMessage
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.replays import Reading
from studyspot.ws_fanout.room_names import subjects_of
from studyspot.ws_fanout.routed import RoutedEvent, routed, slices

_READS_AT_ONCE = 2
"""For those who are near, and again for those who are far."""
_MOST_SUBJECTS = 100
"""Beyond, everything is read: many filters cost the server more than they save."""
_SPAN = 4096
"""Positions that are asked for at once: what is read and waits for its clients is bounded."""
FAR = 16 * _SPAN
"""Behind the head by more, a lane does not wait in one line with those that are soon done."""
_LANES_A_STEP = 16
"""That are brought a slice before the loop has a turn: clients may ask by any number of lanes."""
_GATHER_FOR = timedelta(milliseconds=100)
"""Who asks first waits so long for others: they are read for together."""
_READ_WITHIN = timedelta(seconds=2)
_RETRY_AFTER = timedelta(milliseconds=500)

log = structlog.get_logger()


class _Line:
    """Lanes that wait for one of a few readers. While every one is busy, those who ask gather."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.free = asyncio.Semaphore(_READS_AT_ONCE)
        self._waiting: list[Reading] = []

    def join(self, reading: Reading) -> None:
        self._waiting.append(reading)
        self.asked.set()

    def take(self) -> Sequence[Reading]:
        """Return all who wait."""
        self.asked.clear()
        waiting, self._waiting = self._waiting, []
        return waiting


class StreamReader:
    """Brings lanes what the window has forgotten.

    Who comes back after a while does not wait for those who have a long log read to them from its beginning.
    """

    def __init__(self, nc: Client, hub: Hub, *, far: int = FAR) -> None:
        self._nc = nc
        self._hub = hub
        self._far_from = far
        self._woken = asyncio.Event()
        self._near, self._far = _Line(), _Line()

    def wake(self) -> None:
        """Some lane may wait for the stream, or some client may have read."""
        self._woken.set()
        for reading in self._hub.replays.take_readings():
            is_far = self._hub.head - reading.lane.cursor > self._far_from
            (self._far if is_far else self._near).join(reading)

    async def run(self) -> None:
        """Read for whoever asks, without end.

        Raises:
            BrokerClosed: the connection is gone for good.
        """
        async with asyncio.TaskGroup() as tasks:
            for line in (self._near, self._far):
                tasks.create_task(self._serve_line(line, tasks))

    async def _serve_line(self, line: _Line, tasks: asyncio.TaskGroup) -> None:
        while True:
            await line.free.acquire()
            await line.asked.wait()
            # Those who lost their sockets together come back one after the other.
            await asyncio.sleep(_GATHER_FOR.total_seconds())
            task = tasks.create_task(self._serve(line.take()))
            task.add_done_callback(lambda _: line.free.release())

    async def _serve(self, readings: Sequence[Reading]) -> None:
        waiting = dict.fromkeys(readings)
        try:
            if waiting:
                await self._read(waiting, self._hub.head)
        except PositionForgotten as error:
            self._turn_away(waiting, error.first)
        except UnknownMessage as error:
            # Passing over it might show what nobody may see any more.
            log.warning("replay meets an event of a newer release", lanes=len(waiting), reason=str(error))
            for reading in waiting:
                self._hub.close(reading.peer, CloseCode.DRAINING, "this node waits for a newer release")
        except (BrokerUnavailable, EpochChanged) as error:
            log.warning("replay interrupted", lanes=len(waiting), reason=str(error))
            await asyncio.sleep(_RETRY_AFTER.total_seconds())
            self._excuse_readers(waiting)
        finally:
            for reading in waiting:
                self._hub.replays.give_up(reading)
            self.wake()

    async def _read(self, waiting: dict[Reading, None], until: int) -> None:
        """Bring every lane of `waiting` up to `until`; those that hold up the others drop out."""
        subjects = _subjects(waiting)
        after = min(reading.lane.cursor for reading in waiting) if subjects is not None else until
        span = _SPAN
        while waiting and after < until:
            page_end = min(until, after + span)
            count = await self._read_page(waiting, subjects or (), after, page_end)
            after = page_end
            # Where the filters leave little, further pages may reach further.
            span = span * 4 if count < _SPAN // 4 else _SPAN
        for reading in tuple(waiting):
            del waiting[reading]
            self._hub.replays.finish(reading, until)

    async def _read_page(
        self, waiting: dict[Reading, None], subjects: Sequence[str], after: int, until: int
    ) -> int:
        """Bring what lies in (after, until], and return how much that was."""
        count = 0
        self._hub.metrics.read_broker()
        batches = read_range(self._nc, after=after, until=until, subjects=subjects, epoch=self._hub.epoch)
        async with aclosing(batches):
            async for batch in batches:
                for messages in slices(batch):
                    await self._bring(waiting, [routed(message)[0] for message in messages])
                    count += len(messages)
                    await asyncio.sleep(0)
                if not waiting:
                    break
        return count

    async def _bring(self, waiting: dict[Reading, None], events: Sequence[RoutedEvent]) -> None:
        """Give every lane these events. Nobody waits for a client that does not read, but such clients."""
        remaining = dict.fromkeys(waiting)
        while remaining:
            for number, reading in enumerate(tuple(remaining), start=1):
                if number % _LANES_A_STEP == 0:
                    await asyncio.sleep(0)
                if not reading.is_wanted():
                    self._drop(waiting, reading)
                    del remaining[reading]
                elif self._hub.replays.bring(reading, events):
                    del remaining[reading]
            if remaining and (len(remaining) < len(waiting) or not await self._someone_reads(remaining)):
                for reading in remaining:
                    self._drop(waiting, reading)
                return

    async def _someone_reads(self, readings: Iterable[Reading]) -> bool:
        """Wait until one of these clients has read, and return whether it did in time."""
        try:
            async with asyncio.timeout(_READ_WITHIN.total_seconds()):
                while all(reading.peer.outlet.is_full() and reading.is_wanted() for reading in readings):
                    self._woken.clear()
                    await self._woken.wait()
        except TimeoutError:
            return False
        return True

    def _drop(self, waiting: dict[Reading, None], reading: Reading) -> None:
        del waiting[reading]
        self._hub.replays.give_up(reading)

    def _excuse_readers(self, waiting: Iterable[Reading]) -> None:
        """Whoever has read what there was waits for us: that is no slowness of theirs."""
        for reading in waiting:
            if reading.is_wanted() and not reading.peer.outlet.is_full():
                self._hub.drained(reading.peer)

    def _turn_away(self, waiting: Iterable[Reading], first: int) -> None:
        """Close those who need what the stream no longer holds: they come back and take a snapshot."""
        self._hub.first_position = max(self._hub.first_position, first)
        for reading in waiting:
            if reading.lane.cursor < first - 1:
                reason = "the log no longer reaches back: take a snapshot"
                self._hub.close(reading.peer, CloseCode.RESTART, reason)


def _subjects(readings: Iterable[Reading]) -> tuple[str, ...] | None:
    """Return the filters for all these lanes: empty for everything; none where no event has these rooms."""
    rooms = {room for reading in readings for room in reading.lane.rooms}
    subjects = reduce_subjects(subject for room in rooms for subject in subjects_of(room))
    if not subjects:
        return None
    return subjects if len(subjects) <= _MOST_SUBJECTS else ()
