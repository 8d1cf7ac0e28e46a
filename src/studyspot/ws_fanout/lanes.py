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

    Attributes:
        conflates: of public seat frames, the client wants the newest alone.
    """

    __slots__ = ("_is_thinned", "conflates", "joining", "main")

    def __init__(self, main: Lane, *, conflates: bool = False) -> None:
        self.main = main
        self.joining: list[Lane] = []
        self.conflates = conflates
        self._is_thinned = conflates

    def __iter__(self) -> Iterator[Lane]:
        yield self.main
        yield from self.joining

    def holds(self, room: str) -> bool:
        return any(room in lane.rooms for lane in self)

    def rooms(self) -> Set[str]:
        return {room for lane in self for room in lane.rooms}

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
        for other in self:
            if other is not lane and (other.live or event.position <= other.cursor):
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
        self.joining.append(lane)
        return lane

    def remove(self, rooms: Iterable[str]) -> tuple[str, ...]:
        """Stop serving these rooms; return those that were served."""
        removed = dict.fromkeys(room for room in rooms if self.holds(room))
        for lane in self:
            for room in removed:
                lane.rooms.pop(room, None)
        self.joining = [lane for lane in self.joining if lane.rooms]
        return tuple(removed)

    def arrive(self, lane: Lane, head: int) -> Arrival:
        """Note that `lane` is served up to `head`: the main lane becomes live, others become part of it."""
        lane.cursor = head
        lane.is_behind = False
        arrival = Arrival()
        arrival.tell(lane)
        if lane is self.main:
            lane.live = True
            arrival.rooms += lane.rooms
        if self.main.live:
            for other in [other for other in self.joining if other.cursor == head]:
                arrival.tell(other)
                arrival.rooms += other.rooms
                self.joining.remove(other)
                self.main.rooms |= other.rooms
        return arrival

    def fall_behind(self, written: int) -> None:
        """Note that the main lane was written up to `written` only; the rest follows from the log."""
        self.main.live = False
        self.main.cursor = written
        self.main.owes_caught_up = True
        self.main.is_behind = True
        self._is_thinned = True


def _wanted(lane: Lane, event: RoutedEvent) -> tuple[str, ...]:
    position = event.position
    return tuple(room for room in event.route.sights if lane.rooms.get(room, position) < position)
