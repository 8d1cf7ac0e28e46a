"""A library followed exactly: its seat map as of a position, and everything after that position."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from types import TracebackType

import structlog

from studyspot.client.clock import Clock, FullJitter
from studyspot.client.deliveries import Deliveries
from studyspot.client.errors import AnswerLost, ClientClosed, ProblemError, RoomRefused, SnapshotNeeded
from studyspot.client.items import Event, Item, RoomLost, SnapshotRequired
from studyspot.client.latest import Latest
from studyspot.client.seat_map import LiveSeatMap, SeatMapFold
from studyspot.client.socket import Socket
from studyspot.wire.frames import Since
from studyspot.wire.read_bodies import SeatMap

log = structlog.get_logger()

_UNAVAILABLE = 503
_MOST_WAITING = 10_000

ReadSeatMap = Callable[[int], Awaitable[SeatMap]]
"""Reads the map as of a position or later."""


class FollowedLibrary:
    """A live seat map. Close it when it is needed no more, or use it as a context manager.

    `async for seat_map in followed` yields the map as it is, and again after changes, several at once
    for a slow reader.
    """

    def __init__(
        self,
        library_id: str,
        start: datetime,
        end: datetime,
        *,
        read: ReadSeatMap,
        socket: Socket,
        deliveries: Deliveries,
        clock: Clock,
        jitter: FullJitter,
    ) -> None:
        self._library_id = library_id
        self._room = f"library:{library_id}"
        self._interval = start, end
        self._read = read
        self._socket = socket
        self._deliveries = deliveries
        self._clock = clock
        self._jitter = jitter
        self._fold: SeatMapFold | None = None
        self._is_joined = False
        self._waiting: list[Event] | None = []
        self._stale = asyncio.Event()
        self._changes = Latest(0)
        self._task: asyncio.Task[None] | None = None

    @property
    def seat_map(self) -> LiveSeatMap:
        """The map as it is now."""
        assert self._fold is not None, "begin() comes first"
        return self._fold.seat_map

    async def __aiter__(self) -> AsyncIterator[LiveSeatMap]:
        async for _ in self._changes.changes():
            yield self.seat_map

    async def until(
        self, holds: Callable[[LiveSeatMap], bool], timeout: timedelta = timedelta(seconds=30)
    ) -> LiveSeatMap:
        """Wait until something holds of the map.

        Raises:
            TimeoutError: it did not hold in time.
        """
        await self._changes.until(lambda _: holds(self.seat_map), timeout)
        return self.seat_map

    async def begin(self) -> None:
        """Read the map, join the room from its position, and fold from then on.

        Raises:
            ProblemError, AnswerLost: the map cannot be read.
            RoomRefused, TimeoutError, SentAway: the room cannot be joined.
        """
        self._deliveries.add(self)
        try:
            await self._socket.connected()
            await self._load()
        except BaseException:
            await self.close()
            raise
        self._task = asyncio.create_task(self._keep_exact())

    async def close(self) -> None:
        """Follow no more."""
        self._deliveries.remove(self)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._is_joined:
            self._is_joined = False
            await self._socket.leave(self._room)
        self._changes.end(ClientClosed(f"{self._room} is followed no more"))

    async def __aenter__(self) -> "FollowedLibrary":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def take(self, item: Item) -> None:
        """Fold the next item of the socket, or keep it until the map has been read."""
        match item:
            case Event() if self._waiting is not None:
                self._waiting.append(item)
                if len(self._waiting) > _MOST_WAITING:
                    # They will be in the map that is read next.
                    self._waiting.clear()
                    self._stale.set()
            case Event():
                self._apply(item)
            case SnapshotRequired():
                self._waiting = []
                self._stale.set()
            case RoomLost(room=self._room, reason=reason):
                self._is_joined = False
                self.end(RoomRefused(self._room, "room-lost", reason))
            case RoomLost():
                pass

    def end(self, reason: Exception) -> None:
        """Tell whoever reads the map that it is live no more."""
        self._changes.end(reason)

    def _apply(self, event: Event) -> None:
        if self._fold is not None and self._fold.apply(event):
            self._changes.set(self._changes.value + 1)

    async def _load(self) -> None:
        """Make the fold anew.

        The map is read as of everything that this client has seen: what was delivered before we
        listened is in it, and what comes later comes to us.
        """
        attempt = 0
        while True:
            self._stale.clear()
            snapshot = await self._read(self._socket.session.seen)
            if snapshot.epoch == self._socket.session.epoch and await self._enter(snapshot):
                break
            # The log has begun another epoch: the socket, or the read model, has yet to hear of it.
            await self._clock.sleep(self._jitter.wait(attempt))
            attempt += 1
        self._fold = SeatMapFold(self._library_id, *self._interval, snapshot)
        waiting, self._waiting = self._waiting or (), None
        for event in waiting:
            self._apply(event)
        self._changes.set(self._changes.value + 1)

    async def _enter(self, snapshot: SeatMap) -> bool:
        """Join the room from the snapshot's position, unless we are in it; say whether that is exact."""
        if not self._is_joined:
            try:
                await self._socket.join(self._room, Since(epoch=snapshot.epoch, position=snapshot.position))
            except SnapshotNeeded:
                return False
            self._is_joined = True
        return not self._stale.is_set()

    async def _keep_exact(self) -> None:
        """Read the map again whenever what happened since cannot be told."""
        attempt = 0
        while True:
            await self._stale.wait()
            try:
                await self._load()
            except (AnswerLost, ProblemError) as error:
                if isinstance(error, ProblemError) and error.status != _UNAVAILABLE:
                    self.end(error)
                    return
                log.warning("seat map waits", library_id=self._library_id, error=str(error))
                self._stale.set()
                await self._clock.sleep(self._jitter.wait(attempt))
                attempt += 1
            else:
                attempt = 0
