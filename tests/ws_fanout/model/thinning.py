"""What may be left out: a public seat frame, where a newer one of the same occupation stands for it.

So it is for clients that asked for it; and for those that were behind, in what they are served meanwhile.
"""

from collections.abc import Iterable, Sequence

from tests.ws_fanout.model.log import Happening


class Thinning:
    """What one socket need not be shown.

    Attributes:
        asked: the client wants the newest alone.
        has_begun: something may have been left out by now.
    """

    def __init__(self, log: Sequence[Happening], *, asked: bool) -> None:
        self.asked = asked
        self.has_begun = asked
        self._log = log
        self._behind: list[tuple[int, int | None, set[str]]] = []
        """Stretches of the log that were served to a reader that was behind: after, up to, in which rooms."""
        self._shown: dict[str, dict[tuple[str, str], int]] = {}
        """The newest public frame of each room, by what it is about."""
        self._owed: set[tuple[str, int]] = set()

    def begin_behind(self, after: int, rooms: Iterable[str]) -> None:
        self.has_begun = True
        self._behind.append((after, None, set(rooms)))

    def end_behind(self, at: int) -> None:
        self._behind = [
            (after, at if until is None else until, rooms) for after, until, rooms in self._behind
        ]

    def enter(self, rooms: Iterable[str]) -> None:
        """These rooms travel with those that are behind, if any are."""
        for _, until, behind in self._behind:
            if until is None:
                behind.update(rooms)

    def leave(self, room: str) -> None:
        self._shown.pop(room, None)
        for _, _, rooms in self._behind:
            rooms.discard(room)

    def show(self, position: int, rooms: Iterable[str]) -> None:
        """A frame of the public view has come by these rooms."""
        about = self._log[position - 1].about
        assert about is not None
        for room in rooms:
            self._shown.setdefault(room, {})[about] = position

    def allows_without(self, room: str, position: int, beside: Iterable[str]) -> bool:
        """Return whether the event may not come by the room, which travels with those `beside` it.

        The newer one that stands for it has come, or comes before anything but an event does.
        """
        happening = self._log[position - 1]
        if not all(happening.sights[other].view == "public" for other in (room, *beside)):
            return False
        if not (self.asked or any(self._covers(stretch, room, position) for stretch in self._behind)):
            return False
        self._owed.add((room, position))
        return True

    def nothing_waits(self) -> None:
        """Find fault with what was left out, if nothing newer has come for it."""
        for room, position in self._owed:
            about = self._log[position - 1].about
            assert about is not None
            newest = self._shown.get(room, {}).get(about, 0)
            assert newest > position, f"{position} is missing in {room}, and nothing stands for it"
        self._owed.clear()

    def _covers(self, stretch: tuple[int, int | None, set[str]], room: str, position: int) -> bool:
        after, until, rooms = stretch
        return room in rooms and after < position and (until is None or position <= until)
