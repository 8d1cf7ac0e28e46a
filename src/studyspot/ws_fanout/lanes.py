"""Resume bookkeeping: which rooms of a socket have been brought up to where."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

from studyspot.ws_fanout.routed import RoutedEvent


@dataclass(slots=True, eq=False)
class Lane:
    """Rooms that are served together, in order of positions.

    Attributes:
        rooms: each room with the position after which its events are wanted.
        cursor: everything up to here has been written, unless the lane is live.
        live: it gets each event as it comes; everything up to the node's head has been written.
        owes_caught_up: the client waits to hear that the head is reached.
        is_behind: its client read too slowly, and has been told so.
        from_stream: some of what it is being brought has come from the stream.
    """

    rooms: dict[str, int]
    cursor: int
    live: bool = False
    owes_caught_up: bool = False
    is_behind: bool = False
    from_stream: bool = False


@dataclass(slots=True)
class Arrival:
    """A lane has reached the head: rooms that are live from now on, and those to tell of it."""

    rooms: list[str] = field(default_factory=list)
    caught_up: list[tuple[str, ...]] = field(default_factory=list)

    def tell(self, lane: Lane) -> None:
        if lane.owes_caught_up:
            lane.owes_caught_up = False
            self.caught_up.append(tuple(lane.rooms))


class Lanes:
    """The lanes of one socket: the main one, and one for each `join` that has not yet caught up with it.

    A room is in one of them at most.

    Attributes:
        conflates: of public seat frames, the client wants the newest alone.
    """

    __slots__ = ("_is_thinned", "_joining_by_room", "conflates", "joining", "main")

    def __init__(self, main: Lane, *, conflates: bool = False) -> None:
        self.main = main
        self.joining: dict[Lane, None] = {}
        # A client may have many: what concerns one event or room does not go through all of them.
        self._joining_by_room: dict[str, Lane] = {}
        self.conflates = conflates
        self._is_thinned = conflates

    def __iter__(self) -> Iterator[Lane]:
        yield self.main
        yield from self.joining

    def __contains__(self, lane: Lane) -> bool:
        return lane is self.main or lane in self.joining

    def holds(self, room: str) -> bool:
        return room in self.main.rooms or room in self._joining_by_room

    def rooms(self) -> Set[str]:
        return self.main.rooms.keys() | self._joining_by_room.keys()

    def written(self, head: int) -> int:
        """Return the position up to which every room has been brought, on a node at `head`."""
        return min(head if lane.live else min(lane.cursor, head) for lane in self)

    def due(self, lane: Lane, event: RoutedEvent) -> tuple[str, ...]:
        """Return the rooms of `lane` by which `event` is to be sent; none where it is not.

        What another lane has brought is not sent again, unless it showed less than these rooms see.
        """
        rooms = _wanted(lane, event)
        if not rooms or not self.joining:
            return rooms
        for other in self._others(lane, event):
            if other.live or event.position <= other.cursor:
                brought = _wanted(other, event)
                if not brought or event.richness(brought) < event.richness(rooms):
                    continue
                if self._is_thinned and event.replaceable(brought):
                    # A newer one may have come in its place, and shows these rooms nothing.
                    continue
                return ()
        return rooms

    def thins(self, lane: Lane) -> bool:
        """Return whether a replay of the lane may leave out public seat frames that newer ones replace."""
        return self.conflates or lane.is_behind

    def add(self, rooms: Iterable[str], *, after: int, owes_caught_up: bool) -> Lane:
        """Serve further rooms in a lane of their own, from `after`."""
        lane = Lane(dict.fromkeys(rooms, after), after, owes_caught_up=owes_caught_up)
        self.joining[lane] = None
        self._joining_by_room |= dict.fromkeys(lane.rooms, lane)
        return lane

    def remove(self, rooms: Iterable[str]) -> tuple[str, ...]:
        """Stop serving these rooms; return those that were served."""
        removed = dict.fromkeys(room for room in rooms if self.holds(room))
        for room in removed:
            lane = self._joining_by_room.pop(room, self.main)
            del lane.rooms[room]
        self.joining = dict.fromkeys(lane for lane in self.joining if lane.rooms)
        return tuple(removed)

    def arrive(self, lane: Lane, head: int) -> Arrival:
        """Note that `lane` is served up to `head`: the main lane becomes live, others become part of it.

        While the main lane is not, those that have come as far go on as one.
        """
        lane.cursor = head
        lane.is_behind = False
        arrival = Arrival()
        arrival.tell(lane)
        if lane is self.main:
            lane.live = True
            arrival.rooms += lane.rooms
        into = self.main if self.main.live else lane
        for other in [other for other in self.joining if other.cursor == head and other is not into]:
            arrival.tell(other)
            if into.live:
                arrival.rooms += other.rooms
            self._move(other, into)
        return arrival

    def fall_behind(self, written: int) -> None:
        """Note that the main lane was written up to `written` only; the rest follows from the log."""
        self.main.live = False
        self.main.cursor = written
        self.main.owes_caught_up = True
        self.main.is_behind = True
        self._is_thinned = True

    def _others(self, lane: Lane, event: RoutedEvent) -> Set[Lane]:
        """Return the lanes beside `lane` that have rooms of the event."""
        found = {self._joining_by_room.get(room, self.main) for room in event.route.sights}
        return found - {lane}

    def _move(self, lane: Lane, into: Lane) -> None:
        """Let the rooms of a joining lane be served in another one, which has come as far."""
        del self.joining[lane]
        into.rooms |= lane.rooms
        for room in lane.rooms:
            if into is self.main:
                del self._joining_by_room[room]
            else:
                self._joining_by_room[room] = into


def _wanted(lane: Lane, event: RoutedEvent) -> tuple[str, ...]:
    position = event.position
    return tuple(room for room in event.route.sights if lane.rooms.get(room, position) < position)
