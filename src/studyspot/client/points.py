"""Resume points: up to where each room has been brought, across connections."""

from collections import OrderedDict
from collections.abc import Collection, Iterable

_REMEMBERED = 4096


class ResumePoints:
    """One point per room, and a floor for those that have not been named yet.

    The server joins some rooms by itself without naming them: until an event or `caught-up` does,
    the floor is their point.
    """

    def __init__(self, floor: int | None = None) -> None:
        self._floor = floor
        self._points: dict[str, int] = {}
        self._brought: OrderedDict[int, frozenset[str]] = OrderedDict()

    def of(self, room: str) -> int:
        return self._points.get(room, self._floor or 0)

    def has(self, room: str) -> bool:
        return room in self._points

    @property
    def lowest(self) -> int | None:
        """The position from which to resume so that no room misses anything; none before the start."""
        points = [*self._points.values(), *(() if self._floor is None else (self._floor,))]
        return min(points, default=None)

    def start(self, room: str, position: int) -> None:
        """Begin the room at `position`, wherever it was before."""
        self._points[room] = position

    def forget(self, room: str) -> None:
        self._points.pop(room, None)

    def keep_only(self, rooms: Iterable[str]) -> None:
        """Forget every room but these."""
        kept = set(rooms)
        self._points = {room: point for room, point in self._points.items() if room in kept}

    def restart(self, position: int) -> None:
        """Begin every room at `position`: nothing before it can be had."""
        self._floor = position
        self._points = dict.fromkeys(self._points, position)
        self._brought.clear()

    def reach(self, position: int, rooms: Iterable[str]) -> None:
        """Move these rooms up to `position`."""
        for room in rooms:
            self._points[room] = max(self.of(room), position)

    def reach_all_but(self, rooms: Collection[str], position: int) -> None:
        """Move every room but these up to `position`, named or not."""
        self.reach(position, [room for room in self._points if room not in rooms])
        self._floor = max(self._floor or 0, position)

    def bring(self, position: int, rooms: Iterable[str]) -> tuple[str, ...]:
        """Move these rooms up to an event; return those for which it is new."""
        fresh = tuple(room for room in rooms if position > self.of(room))
        self.reach(position, fresh)
        return fresh

    def tells_more(self, position: int, fields: frozenset[str]) -> bool:
        """Say whether an event is new, or tells more than before; `fields` are the names in its data.

        What one room brought is not new in another that is replayed later, unless that one sees more.
        """
        known = self._brought.get(position)
        if known is not None and fields <= known:
            return False
        self._brought[position] = fields | (known or frozenset())
        if len(self._brought) > _REMEMBERED:
            self._brought.popitem(last=False)
        return True
