"""What need not come: of several public frames of one occupation, the newest stands for the others."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from studyspot.checker.rooms import Rooms


class LeftOut:
    """What was left out on one connection, and what still has to come in its place.

    It may be left out where the client asked for that, and between `behind` and the `caught-up` that follows.
    Whenever the server says anything else than an event, what stands for it has come.

    Attributes:
        is_replayed: the rooms that are not being joined are served from the log.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.is_replayed = False
        self._asked = False
        self._behind: dict[str, int] = {}
        self._joining: set[str] = set()
        self._awaited: defaultdict[str, set[int]] = defaultdict(set)

    @property
    def is_live(self) -> bool:
        """Every room gets its events as they come."""
        return not self.is_replayed and not self._joining

    def connected(self, *, conflate: bool, replays: bool) -> None:
        """Note whether the client asked for it, and whether the connection begins with a replay."""
        self._asked = conflate
        self.is_replayed = replays

    def joined(self, rooms: Iterable[str]) -> None:
        """Note rooms that are replayed by themselves, and are not behind."""
        for room in rooms:
            self._joining.add(room)
            self._behind.pop(room, None)

    def fell_behind(self, position: int, rooms: Iterable[str]) -> None:
        """Note that what follows `position` comes from the log, in the rooms that are not being joined."""
        self.is_replayed = True
        self._behind = dict.fromkeys(rooms, position)
        for room in self._joining:
            self._behind.pop(room, None)

    def caught_up(self, rooms: Iterable[str]) -> None:
        """Note that these rooms are live again."""
        rooms = set(rooms)
        if not rooms <= self._joining:
            self.is_replayed = False
        for room in rooms:
            self._joining.discard(room)
            self._behind.pop(room, None)

    def left(self, room: str) -> None:
        """Forget a room."""
        self._joining.discard(room)
        self._behind.pop(room, None)
        self._awaited.pop(room, None)

    def excuses(self, room: str, position: int) -> bool:
        """Say whether the event need not come in the room, if a newer one does; that one is awaited."""
        is_allowed = self._asked or self._behind.get(room, position) < position
        if not is_allowed or not self._rooms.is_replaced(room, position, self._rooms.head):
            return False
        self._awaited[room].add(position)
        return True

    def is_excused(self, room: str, position: int) -> bool:
        """Say whether the event was left out in the room, and may come no more."""
        return position in self._awaited[room]

    def unsettled(self, complete: Mapping[str, int]) -> Iterator[tuple[int, str]]:
        """Yield what was left out, and nothing has come for it up to where each room is complete."""
        for room, positions in self._awaited.items():
            for position in positions:
                if not self._rooms.is_replaced(room, position, complete[room]):
                    yield position, room
        self._awaited.clear()
