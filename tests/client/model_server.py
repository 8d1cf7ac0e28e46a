"""A model of the fan-out for one client: what it may send, in every order that the contract allows."""

from collections import deque
from dataclasses import dataclass, field

from studyspot.wire.frames import (
    CaughtUp,
    Connect,
    Connected,
    EventFrame,
    Heartbeat,
    Join,
    Joined,
    Leave,
    Left,
    Resume,
    RoomAnswer,
    ServerFrame,
    Since,
)
from tests.client.clocks import NOON

AUTOMATIC = ("everyone", "user:s1", "role:student")


@dataclass(slots=True, eq=False)
class Lane:
    """Rooms that are served in one order: each with the position after which it is wanted."""

    rooms: dict[str, int]
    cursor: int
    owes_caught_up: bool


@dataclass(slots=True)
class ModelServer:
    """The log, and one connection; `wire` holds the frames that are on their way to the client."""

    log: list[frozenset[str]] = field(default_factory=list)
    epoch: int = 1
    wire: deque[ServerFrame] = field(default_factory=deque)
    main: Lane | None = None
    joining: list[Lane] = field(default_factory=list)

    @property
    def head(self) -> int:
        return len(self.log)

    def publish(self, rooms: frozenset[str]) -> None:
        self.log.append(rooms)

    def grant(self, room: str, *, is_apart: bool) -> None:
        """The newest event entitles the person to a room, which nobody asked for.

        `is_apart`: it is served in an order of its own until the others have come as far.
        """
        if self.main is not None and room not in self.main.rooms:
            if is_apart:
                self.joining.append(Lane({room: self.head - 1}, self.head - 1, owes_caught_up=False))
            else:
                self.main.rooms[room] = self.head - 1
            self.wire.append(Joined(id=None, rooms=_answers([room]), resume="live"))

    def drop(self) -> None:
        """Lose the connection, and everything on its way."""
        self.main = None
        self.joining.clear()
        self.wire.clear()

    def connect(self, frame: Connect, granted: list[str]) -> None:
        resume, after = self._resume(frame.since)
        rooms = dict.fromkeys((*AUTOMATIC, *granted, *frame.rooms), after)
        self.main = Lane(rooms, after, resume == "replaying")
        self.wire.append(
            Connected(
                id=frame.id,
                session="x",
                epoch=f"k{self.epoch}",
                head=self.head,
                user="s1",
                role="student",
                expires_in=900,
                server_now=NOON,
                heartbeat=25,
                rooms=_answers([*frame.rooms, *granted]),
                resume=resume,
            )
        )

    def join(self, frame: Join) -> None:
        resume, after = self._resume(frame.since)
        self._remove(frame.rooms)
        self.joining.append(Lane(dict.fromkeys(frame.rooms, after), after, resume == "replaying"))
        self.wire.append(Joined(id=frame.id, rooms=_answers(frame.rooms), resume=resume))

    def leave(self, frame: Leave) -> None:
        self._remove(frame.rooms)
        self.wire.append(Left(id=frame.id, rooms=frame.rooms))

    def beat(self) -> None:
        """Tell how far every lane is."""
        lanes = [lane for lane in (self.main, *self.joining) if lane is not None]
        position = min(min(lane.cursor, self.head) for lane in lanes)
        self.wire.append(Heartbeat(position=position, server_now=NOON))

    def step(self, lane: Lane) -> None:
        """Bring the lane one event further, or tell that it has caught up."""
        if lane.cursor >= self.head:
            self._arrive(lane)
            return
        lane.cursor += 1
        position, rooms = lane.cursor, self.log[lane.cursor - 1]
        due = tuple(sorted(room for room in rooms if lane.rooms.get(room, position) < position))
        others = (other for other in (self.main, *self.joining) if other is not None and other is not lane)
        brought = any(
            other.cursor >= position
            and any(other.rooms.get(room, position) < position for room in self.log[position - 1])
            for other in others
        )
        if due and not brought:
            self.wire.append(_event(position, due, f"k{self.epoch}"))

    def finish(self) -> None:
        """Serve everything that is left."""
        assert self.main is not None
        while self.main.cursor < self.head or self.joining or self.main.owes_caught_up:
            for lane in (self.main, *self.joining):
                self.step(lane)

    def _arrive(self, lane: Lane) -> None:
        assert self.main is not None
        if lane is self.main or self.main.cursor >= self.head:
            if lane.owes_caught_up:
                lane.owes_caught_up = False
                self.wire.append(CaughtUp(position=self.head, rooms=tuple(lane.rooms)))
            if lane is not self.main:
                self.joining.remove(lane)
                self.main.rooms |= lane.rooms

    def _remove(self, rooms: tuple[str, ...]) -> None:
        for lane in (self.main, *self.joining):
            for room in rooms:
                if lane is not None:
                    lane.rooms.pop(room, None)
        self.joining = [lane for lane in self.joining if lane.rooms]

    def _resume(self, since: Since | None) -> tuple[Resume, int]:
        if since is None:
            return "live", self.head
        if since.epoch != f"k{self.epoch}":
            return "snapshot-required", self.head
        return ("replaying" if since.position < self.head else "live"), since.position


def _answers(rooms: list[str] | tuple[str, ...]) -> tuple[RoomAnswer, ...]:
    return tuple(RoomAnswer(room=room, joined=True) for room in rooms)


def _event(position: int, rooms: tuple[str, ...], epoch: str) -> EventFrame:
    event = {
        "id": f"{epoch}-{position}",
        "type": "studyspot.booking.created.v1",
        "time": NOON.isoformat(),
        "sequence": str(position),
        "data": {"bookingId": f"B{position}"},
    }
    return EventFrame(name="booking:created", position=position, rooms=rooms, event=event)
