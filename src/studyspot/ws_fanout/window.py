"""The window: recent events in memory, by room, so that a resume costs no broker read."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from heapq import merge

from studyspot.ws_fanout.routed import RoutedEvent


class PositionForgotten(Exception):
    """The window starts after the position asked for; the stream still knows."""


class Window:
    """The newest events, without a gap, bounded by number and by bytes of their messages.

    Attributes:
        after: the position before the oldest event held.
        head: the position of the newest one.
    """

    def __init__(self, *, after: int, most_events: int, most_bytes: int) -> None:
        self.after = after
        self.head = after
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._bytes = 0
        self._events: deque[RoutedEvent] = deque()
        self._by_room: dict[str, list[RoutedEvent]] = {}

    def append(self, event: RoutedEvent) -> None:
        """Take in the event after the newest, and forget the oldest beyond the bounds.

        Raises:
            ValueError: its position is not the next one.
        """
        if event.position != self.head + 1:
            raise ValueError(f"position {event.position} does not follow {self.head}")
        self.head = event.position
        self._events.append(event)
        self._bytes += len(event.body)
        for room in event.route.sights:
            self._by_room.setdefault(room, []).append(event)
        while len(self._events) > self._most_events or self._bytes > self._most_bytes:
            self._forget()

    def read(self, rooms: Iterable[str], after: int, *, limit: int) -> list[RoutedEvent]:
        """Return the first `limit` events of these rooms after a position, oldest first.

        Raises:
            PositionForgotten: the window starts later; the caller reads the stream.
        """
        if after < self.after:
            raise PositionForgotten(f"the window starts after {self.after}, not {after}")
        found: list[RoutedEvent] = []
        # Merged as it is read: of many rooms most events are beyond the limit.
        for event in merge(*(self._after(room, after) for room in rooms), key=_position):
            if found and found[-1] is event:
                continue
            if len(found) == limit:
                break
            found.append(event)
        return found

    def _after(self, room: str, after: int) -> Iterator[RoutedEvent]:
        events = self._by_room.get(room, ())
        first = bisect_right(events, after, key=_position)
        return map(events.__getitem__, range(first, len(events)))

    def _forget(self) -> None:
        event = self._events.popleft()
        self.after = event.position
        self._bytes -= len(event.body)
        for room in event.route.sights:
            events = self._by_room[room]
            if len(events) == 1:
                del self._by_room[room]
            else:
                del events[0]


def _position(event: RoutedEvent) -> int:
    return event.position
