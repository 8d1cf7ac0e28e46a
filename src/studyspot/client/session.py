"""The client's side of studyspot.v1 without any I/O: frames in, items and frames out."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from studyspot.client.items import Event, Item, RoomLost, SnapshotRequired
from studyspot.client.points import ResumePoints
from studyspot.wire.frames import (
    CaughtUp,
    Connect,
    Connected,
    EventFrame,
    FrameMalformed,
    Heartbeat,
    Join,
    Joined,
    Left,
    RoomAnswer,
    ServerFrame,
    Since,
)

_ROOMS_PER_FRAME = 50
_EVERYONE = "everyone"


class Session:
    """What one client has been told, across its connections, and which rooms it wants to be in."""

    def __init__(self, since: Since | None = None, *, conflate: bool = False) -> None:
        self.epoch = since.epoch if since else None
        self.seen = since.position if since else 0
        """The highest position that was handed over or given up: a snapshot as of it lacks none of that."""
        self._conflate = conflate
        self._points = ResumePoints(since.position if since else None)
        self._wanted: dict[str, None] = {}
        self._members: set[str] = set()
        self._held: set[str] = set()
        self._leaving: set[str] = set()
        self._reached = 0

    @property
    def since(self) -> Since | None:
        """Where to resume so that nothing is missed; none before the first connection."""
        lowest = self._points.lowest
        if self.epoch is None or lowest is None:
            return None
        return Since(epoch=self.epoch, position=lowest)

    @property
    def missing_rooms(self) -> tuple[str, ...]:
        """The wanted rooms that this connection is not in yet."""
        return tuple(room for room in self._wanted if room not in self._members)

    def wants(self, room: str) -> bool:
        return room in self._wanted

    def want(self, room: str, since: Since | None) -> None:
        """Ask for a room, from its `since` on, now and on every later connection."""
        self._forget(room)
        self._wanted[room] = None
        if since is not None and since.epoch == self.epoch:
            self._points.start(room, since.position)

    def unwant(self, room: str) -> None:
        """Leave a room; what is on its way from there still counts."""
        self._forget(room)
        self._leaving.add(room)

    def connect(self, token: str, request: int) -> Connect:
        """Return the first frame of a new connection."""
        self._members.clear()
        self._leaving.clear()
        self._reached = 0
        rooms = tuple(self._wanted)[:_ROOMS_PER_FRAME]
        return Connect(id=request, token=token, rooms=rooms, since=self.since, conflate=self._conflate)

    def joins(self, rooms: Iterable[str]) -> Iterator[Join]:
        """Yield frames, still without ids, that join these wanted rooms from the lowest of their points."""
        remaining = list(rooms)
        while remaining:
            some, remaining = remaining[:_ROOMS_PER_FRAME], remaining[_ROOMS_PER_FRAME:]
            points = [self._points.of(room) for room in some if self._points.has(room)]
            since = Since(epoch=self.epoch, position=min(points)) if points and self.epoch else None
            yield Join(rooms=tuple(some), since=since)

    def receive(self, frame: ServerFrame) -> Iterator[Item]:
        """Yield what the application has not been told before.

        Raises:
            FrameMalformed: the frame's event is none of ours.
        """
        match frame:
            case Connected():
                yield from self._connected(frame)
            case EventFrame():
                yield from self._event(frame)
            case Joined():
                yield from self._joined(frame)
            case Left():
                yield from self._left(frame)
            case CaughtUp():
                self._caught_up(frame)
            case Heartbeat():
                self._points.reach_all_but(self.missing_rooms, frame.position)
                self._reached = max(self._reached, frame.position)
            case _:
                return

    def _connected(self, frame: Connected) -> Iterator[Item]:
        if self.epoch is None:
            self.epoch = frame.epoch
            self._points.restart(frame.head)
        elif frame.resume == "snapshot-required":
            self.epoch, self.seen = frame.epoch, frame.head
            self._points.restart(frame.head)
            yield SnapshotRequired(frame.epoch, frame.head)
        for answer in frame.rooms:
            if answer.joined:
                self._enter(answer.room)
            else:
                yield from self._refused(answer)
        if frame.resume == "live":
            self._points.reach_all_but(self.missing_rooms, frame.head)
        since = self.since
        self._reached = since.position if frame.resume == "replaying" and since else frame.head

    def _joined(self, frame: Joined) -> Iterator[Item]:
        for answer in frame.rooms:
            if not answer.joined:
                yield from self._refused(answer)
            if not answer.joined or answer.room in self._leaving:
                continue
            forgotten = frame.resume == "snapshot-required"
            if forgotten and answer.room in self._held:
                yield SnapshotRequired(self.epoch or "", self._reached)
            self._enter(answer.room)
            if forgotten or not self._points.has(answer.room):
                self._points.start(answer.room, self._reached)

    def _left(self, frame: Left) -> Iterator[Item]:
        for room in frame.rooms:
            if room in self._leaving:
                self._leaving.discard(room)
                self._forget(room)
            elif frame.id is None:
                self._forget(room)
                yield RoomLost(room, frame.reason or "we are no longer entitled to it")

    def _event(self, frame: EventFrame) -> Iterator[Item]:
        self.seen = max(self.seen, frame.position)
        self._reached = max(self._reached, frame.position)
        staying = [room for room in frame.rooms if room not in self._leaving]
        # A frame of rooms that we are about to leave counts: the server does not tell it again by others.
        rooms = self._points.bring(frame.position, staying) if staying else frame.rooms
        try:
            event = frame.event
            if rooms and self._points.tells_more(frame.position, frozenset(event["data"])):
                yield Event(
                    name=frame.name,
                    position=frame.position,
                    rooms=rooms,
                    id=event["id"],
                    type=event["type"],
                    time=datetime.fromisoformat(event["time"]),
                    data=event["data"],
                    actor=event.get("actor"),
                    command_id=event.get("commandid"),
                    traceparent=event.get("traceparent"),
                )
        except (KeyError, TypeError, ValueError) as error:
            raise FrameMalformed(f"position {frame.position}: {error!r}") from error

    def _caught_up(self, frame: CaughtUp) -> None:
        if _EVERYONE in frame.rooms:
            # The end of the replay by `connect`. Rooms that we were let into later may still be served apart.
            ours = {*frame.rooms, *self._wanted, *self._members}
            self._points.keep_only(ours)
            self._points.reach_all_but(ours - {*frame.rooms}, frame.position)
        self._points.reach(frame.position, frame.rooms)
        self._reached = max(self._reached, frame.position)

    def _enter(self, room: str) -> None:
        self._members.add(room)
        self._held.add(room)

    def _refused(self, answer: RoomAnswer) -> Iterator[Item]:
        """Give the room up; one that was never entered is the business of who asked for it."""
        was_held = answer.room in self._held
        self._forget(answer.room)
        if was_held:
            yield RoomLost(answer.room, answer.reason or "it is refused")

    def _forget(self, room: str) -> None:
        self._wanted.pop(room, None)
        self._members.discard(room)
        self._held.discard(room)
        self._points.forget(room)
