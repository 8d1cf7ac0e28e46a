"""What one socket has been brought, held against the log: all of it, once, in order, and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.ws_fanout.model.log import Happening, judge_shown
from tests.ws_fanout.model.thinning import Thinning

MAIN = 0


class Deliveries:
    """The frames of one socket, as a client reads them.

    Rooms that were entered together travel together, in a group; all that have caught up travel in the main
    one. `after` is the position after which a room's events are owed.
    """

    def __init__(self, log: Sequence[Happening], epoch: str, thinning: Thinning) -> None:
        self.after: dict[str, int] = {}
        self.awaiting: set[int] = set()
        """Groups that are to be told when they have caught up."""
        self._log = log
        self._epoch = epoch
        self._thinning = thinning
        self._group: dict[str, int] = {}
        self._last: dict[int, int] = {MAIN: 0}
        self._entered: dict[str, int] = {}
        self._checked: dict[str, int] = {}
        self._excused: set[tuple[str, int]] = set()
        self._shown: dict[int, list[tuple[int, int]]] = {}
        """By position: each time it came, as the number of the frame and the richness of its view."""
        self._named: dict[int, dict[str, int]] = {}
        """By position: the rooms by which it came, and how richly they see it."""
        self._frames = 0

    def enter(self, rooms: Mapping[str, int], group: int, *, awaits: bool) -> None:
        """The client is in these rooms, each from a position on."""
        for room, after in rooms.items():
            assert room not in self.after
            self.after[room] = self._checked[room] = after
            self._group[room] = group
            self._entered[room] = self._frames
        if group == MAIN:
            self._thinning.enter(rooms)
        self._last.setdefault(group, 0)
        if awaits:
            self.awaiting.add(group)

    def leave(self, rooms: Iterable[str], *, ended_at: int | None) -> None:
        """The client is out of these rooms; their events from `ended_at` on were not for it."""
        for room in rooms:
            if ended_at is not None:
                came = [position for position, named in self._named.items() if room in named]
                assert max(came, default=0) < ended_at, f"{room} went on after its end at {ended_at}"
            self._excuse_others(room)
            for book in (self.after, self._checked, self._entered):
                del book[room]
            group = self._group.pop(room)
            if group != MAIN and group not in self._group.values():
                self.awaiting.discard(group)
            for named in self._named.values():
                named.pop(room, None)
            self._excused = {excused for excused in self._excused if excused[0] != room}
            self._thinning.leave(room)

    def merge(self) -> None:
        """Everything has been brought, and nobody is behind: from now on all rooms travel together."""
        assert not self.awaiting, f"{self.awaiting} were never told that they have caught up"
        self._group = dict.fromkeys(self._group, MAIN)
        self._last = {MAIN: max(self._last.values())}

    def hear_event(self, frame: Mapping[str, Any]) -> None:
        position, rooms = frame["position"], frame["rooms"]
        assert frame.keys() == {"type", "name", "position", "rooms", "event"}
        assert 0 < position <= len(self._log)
        happening = self._log[position - 1]
        sights, shown = happening.sights, frame["event"]
        entitled = [room for room in sights if self.after.get(room, position) < position]
        assert rooms, f"{position} names no room"
        assert len(rooms) == len(set(rooms))
        assert set(rooms) <= set(entitled), f"{position} came by {rooms}, of {entitled}"
        groups = {self._group[room] for room in rooms}
        assert set(rooms) == {room for room in entitled if self._group[room] in groups}, (
            f"{position} names {rooms} of {entitled}"
        )
        sight = max((sights[room] for room in rooms), key=lambda sight: sight.richness)
        assert frame["name"] == sight.name
        assert (shown["id"], shown["sequence"]) == (f"{self._epoch}-{position}", str(position))
        judge_shown(happening, sight, shown)
        self._is_no_repeat(position, rooms, sight.richness)
        for group in groups:
            assert self._last[group] < position, f"{rooms} went back to {position}"
            self._last[group] = position
        self._frames += 1
        self._shown.setdefault(position, []).append((self._frames, sight.richness))
        self._named.setdefault(position, {}).update((room, sights[room].richness) for room in rooms)
        if sight.view == "public":
            self._thinning.show(position, [room for room in rooms if sights[room].view == "public"])
        for room in rooms:
            self._has_all(room, position)

    def hear_caught_up(self, frame: Mapping[str, Any]) -> None:
        told = set(frame["rooms"])
        assert len(told) == len(frame["rooms"])
        whole = {group for group in self._last if self._members(group) <= told}
        assert told == {room for group in whole for room in self._members(group)}
        assert whole & self.awaiting, f"nobody waited for {frame}"
        self.awaiting -= whole
        if MAIN in whole:
            self._thinning.end_behind(frame["position"])
        self._promised(told, frame["position"])

    def hear_heartbeat(self, frame: Mapping[str, Any]) -> None:
        self._promised(self.after, frame["position"])

    def hear_behind(self, frame: Mapping[str, Any]) -> None:
        self._promised(self.after, frame["position"])
        self.awaiting.add(MAIN)
        # Those that have caught up by now may travel with the main ones already.
        caught_up = [room for room, group in self._group.items() if group not in self.awaiting - {MAIN}]
        self._thinning.begin_behind(frame["position"], caught_up)

    def nothing_waits(self) -> None:
        """Anything but an event comes after all that stands for what was left out."""
        self._thinning.nothing_waits()

    def has_all(self, until: int) -> None:
        """Find fault with what is missing of anything up to a position."""
        self._promised(self.after, until)

    def _members(self, group: int) -> set[str]:
        return {room for room, its in self._group.items() if its == group}

    def _promised(self, rooms: Iterable[str], until: int) -> None:
        assert 0 <= until <= len(self._log), f"{until} is not of this log"
        for room in rooms:
            self._has_all(room, until)
        self.nothing_waits()

    def _has_all(self, room: str, until: int) -> None:
        for position in range(self._checked[room] + 1, until + 1):
            assert self._has(room, position) or self._may_lack(room, position), (
                f"{position} is missing in {room}"
            )
        self._checked[room] = max(self._checked[room], until)

    def _has(self, room: str, position: int) -> bool:
        """Return whether the room's event has been shown as richly as the room sees it.

        What another room had brought before this one was entered is not sent again.
        """
        sights = self._log[position - 1].sights
        if room not in sights or (room, position) in self._excused:
            return True
        times = self._shown.get(position, ())
        enough = [number for number, richness in times if richness >= sights[room].richness]
        if any(number > self._entered[room] for number in enough):
            return True
        return bool(enough) and any(
            other != room and after < position and other in sights
            and sights[other].richness >= sights[room].richness
            for other, after in self.after.items()
        )  # fmt: skip

    def _may_lack(self, room: str, position: int) -> bool:
        sights, group = self._log[position - 1].sights, self._members(self._group[room])
        beside = [other for other in group if other in sights and self.after[other] < position]
        return self._thinning.allows_without(room, position, beside)

    def _excuse_others(self, room: str) -> None:
        """What this room has brought stays known to the others, though it is left."""
        for other, checked in self._checked.items():
            if other != room:
                missing = range(checked + 1, len(self._log) + 1)
                self._excused |= {(other, position) for position in missing if self._has(other, position)}

    def _is_no_repeat(self, position: int, rooms: Sequence[str], richness: int) -> None:
        before = self._named.get(position, {})
        assert not before.keys() & set(rooms), f"{position} came twice by {rooms}"
        if self._thinning.has_begun:
            # Whether a public frame has come, or a newer one in its place, is not kept.
            sights = self._log[position - 1].sights
            before = {room: earlier for room, earlier in before.items() if sights[room].view != "public"}
        assert all(earlier < richness for earlier in before.values()), f"{position} came twice"
