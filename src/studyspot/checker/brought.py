"""What one connection has brought: of each event, which fields, and for which rooms."""

from collections.abc import Iterable, Mapping, Set
from typing import Literal

from studyspot.checker.log import Log
from studyspot.checker.rooms import Rooms
from studyspot.checker.views import told

Coming = Literal["first", "once more", "twice"]
"""An event comes for the first time or with more than before, again as it was asked for, or for nothing."""


class Brought:
    """The events that have come on one connection, and those of them that may come again."""

    def __init__(self, log: Log, rooms: Rooms) -> None:
        self._log = log
        self._rooms = rooms
        self._fields: dict[int, frozenset[str]] = {}
        self._for: dict[int, frozenset[str]] = {}
        self._again: set[int] = set()

    def take(self, position: int, fields: frozenset[str], rooms: Iterable[str]) -> Coming:
        """Note that an event has come for these rooms, and return how that is to be taken."""
        known = self._fields.get(position)
        self._fields[position] = fields | (known or frozenset())
        self._for[position] = self._for.get(position, frozenset()) | frozenset(rooms)
        if position in self._again:
            self._again.discard(position)
            return "once more"
        return "twice" if known is not None and fields <= known else "first"

    def bring_again(self, room: str, after: int, others: Set[str], *, is_in: bool) -> None:
        """The room is asked for from a position on: what `others` did not bring, or not in full, comes again.

        If they are in it already, the rest may.
        """
        for position in self._rooms.between(room, after, self._log.head):
            if position not in self._fields:
                continue
            views = self._rooms.views_of(position)
            still_in = views.keys() & self._for[position] & others
            if all(views[other] < views[room] for other in still_in):
                del self._fields[position], self._for[position]
            elif is_in:
                self._again.add(position)

    def left(self, room: str, complete: Mapping[str, int]) -> None:
        """The room is left: what it had brought may come again by others that are not `complete` so far.

        A server need not remember what it brought by rooms that are left.
        """
        for position in self._rooms.between(room, 0, self._log.head):
            if room not in self._for.get(position, ()):
                continue
            views = self._rooms.views_of(position)
            if any(complete.get(other, position) < position for other in views):
                self._again.add(position)

    def has(self, position: int, room: str) -> bool:
        """Say whether an event of the room has come: in this room, or in others that see as much."""
        record, views = self._log.at(position), self._rooms.views_of(position)
        if record is None:
            return True
        if position not in self._fields:
            return False
        if any(views[other] >= views[room] for other in self._for[position] if other in views):
            return True
        return told(record, views[room]).data.keys() <= self._fields[position]
