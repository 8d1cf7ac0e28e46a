"""One connection, frame by frame: entitlement, content, order, and what is missing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from studyspot.checker.log import Log
from studyspot.checker.passages import Frame, Passage, Socket
from studyspot.checker.rooms import Rooms, own_rooms
from studyspot.checker.verdict import Finding, Kind
from studyspot.checker.views import alterations, leaks, told

_STARTS_ANYWHERE = -1
"""The start of a room that was joined live, at a position that the server did not tell."""


@dataclass(slots=True)
class Progress:
    """How far a socket is, from one connection to the next.

    Attributes:
        complete: up to where each room of the last connection has been brought.
        starts: from where on each room was first asked for: what is older comes again with every resume
            from before, and its client drops it.
        due: the positions that came and were to be handed over.
    """

    complete: dict[str, int] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    due: set[int] = field(default_factory=set)


class ConnectionJudge:
    """Follows one connection; `complete` says up to where each of its rooms has been brought."""

    def __init__(self, log: Log, rooms: Rooms, socket: Socket, progress: Progress) -> None:
        self.complete: dict[str, int] = {}
        self._log = log
        self._rooms = rooms
        self._socket = socket
        self._progress = progress
        self._reached_here = 0
        self._asked: dict[object, Frame] = {}
        self._brought: dict[int, frozenset[str]] = {}
        self._missing: dict[int, str] = {}
        self._conflates = False
        self._not_before: dict[str, int] = {}
        self._ends_at: int | None = None

    def judge(self, passage: Passage) -> Iterator[Finding]:
        """Find the faults of the next frame."""
        frame = passage.frame
        if passage.sent:
            self._asked[frame.get("id")] = frame
            if frame.get("type") == "join":
                start = frame["since"]["position"] if frame.get("since") else self._reached_here
                self._start(frame["rooms"], start)
            return
        match frame.get("type"):
            case "connected":
                yield from self._connected(frame)
            case "event":
                yield from self._event(frame)
            case "joined":
                yield from self._joined(frame)
            case "left":
                for room in frame["rooms"]:
                    self.complete.pop(room, None)
                    self._progress.starts.pop(room, None)
                    self._await_grant(room, self._granted_at(room))
            case "caught-up":
                yield from self._reached(frame["position"], frame["rooms"])
            case "heartbeat":
                yield from self._reached(frame["position"], tuple(self.complete))
            case _:
                pass

    def end(self, *, settled: bool) -> Iterator[Finding]:
        """Find what never came; with `settled`, up to the log's head."""
        if settled and self._ends_at is not None:
            yield self._finding(Kind.LEAK, self._ends_at, "is still open after its person was sent away")
        elif settled:
            yield from self._reached(self._log.head, tuple(self.complete))
        self._progress.complete = self.complete
        for position, room in sorted(self._missing.items()):
            yield self._finding(Kind.GAP, position, f"never came in {room}")

    def _connected(self, frame: Frame) -> Iterator[Finding]:
        if (frame["user"], frame["role"]) != (self._socket.user, self._socket.role):
            sentence = f"was taken for {frame['role']} {frame['user']}"
            yield self._finding(Kind.LEAK, None, sentence)
        if frame["head"] > self._log.head:
            yield self._finding(Kind.ALTERED, frame["head"], f"head, but the log ends at {self._log.head}")
        asked = self._asked.get(frame.get("id"), {})
        self._conflates = bool(asked.get("conflate"))
        since = asked.get("since")
        resumes = since is not None and frame["resume"] != "snapshot-required"
        start: int = since["position"] if since is not None and resumes else frame["head"]
        user, role = self._socket.user, self._socket.role
        head, rights = frame["head"], self._rooms.rights
        if rights.is_shut_out(user, head):
            yield self._finding(Kind.LEAK, None, f"was let in, and had been sent away before {head}")
        self._ends_at = rights.ends_after(user, role, head)
        for room in own_rooms(user, role):
            self.complete[room] = start
        for room in rights.staff_rooms(user, role):
            if rights.belongs(user, role, room, head):
                self.complete[room] = start
            else:
                self._await_grant(room, head)
        for room in _names(frame["rooms"]):
            yield from self._admit(room, start, head)
        if not resumes:
            self._progress.complete.clear()
            self._progress.starts.clear()
        self._reached_here = start
        self._start(self.complete, start)
        for room, reached in self._progress.complete.items():
            for position in self._expected(room, reached, start) if room in self.complete else ():
                yield self._finding(Kind.GAP, position, f"never came in {room}: resumed only after {start}")

    def _start(self, rooms: Iterable[str], position: int) -> None:
        for room in rooms:
            self._progress.starts.setdefault(room, position)

    def _joined(self, frame: Frame) -> Iterator[Finding]:
        asked = self._asked.get(frame.get("id"), {})
        since = asked.get("since")
        resumes = since is not None and frame.get("resume") != "snapshot-required"
        start: int = since["position"] if since is not None and resumes else _STARTS_ANYWHERE
        for room in _names(frame["rooms"]):
            yield from self._admit(room, start, self._reached_here)

    def _admit(self, room: str, start: int, position: int) -> Iterator[Finding]:
        """Note that the socket is in the room; find that it should not be, by the rights of a position."""
        if self._may_be_in(room, position):
            self.complete.setdefault(room, start)
        else:
            yield self._finding(Kind.LEAK, None, f"was let into {room}")

    def _may_be_in(self, room: str, position: int) -> bool:
        """Say whether this person may be in this room, now or by what the socket is yet to be told."""
        user, role = self._socket.user, self._socket.role
        if role == "admin" or room in own_rooms(user, role):
            return True
        kind, _, rest = room.partition(":")
        if kind != "library" or not rest or not rest.partition(":")[2]:
            return kind == "library" and bool(rest)
        return self._belongs(room, position)

    def _granted_at(self, room: str) -> int:
        """Return the position from which on another grant of this room would be another one."""
        return max(self._not_before.get(room, 0), self._reached_here)

    def _await_grant(self, room: str, position: int) -> None:
        """The room is not this person's at a position: it will be from the event on that gives it to them."""
        user, role = self._socket.user, self._socket.role
        granted = self._rooms.rights.granted_after(user, role, room, position)
        if granted is not None:
            self.complete[room] = granted - 1
            self._not_before[room] = granted

    def _event(self, frame: Frame) -> Iterator[Finding]:
        position: int = frame["position"]
        record, views = self._log.at(position), self._rooms.views_of(position)
        if record is None:
            yield self._finding(Kind.ALTERED, position, "the log has no such event")
            return
        yield from self._entitlement(position, frame["rooms"])
        if seen := [views[room] for room in frame["rooms"] if room in views]:
            allowed = told(record, max(seen))
            for sentence in leaks(frame, max(seen), allowed, self._log.people):
                yield self._finding(Kind.LEAK, position, sentence)
            for sentence in alterations(frame, record, allowed):
                yield self._finding(Kind.ALTERED, position, sentence)
        yield from self._order(position, frame)
        self._reached_here = max(self._reached_here, position)
        starts = self._progress.starts
        if any(starts.get(room, position) < position for room in frame["rooms"]):
            self._progress.due.add(position)

    def _entitlement(self, position: int, rooms: Iterable[str]) -> Iterator[Finding]:
        if self._ends_at is not None and position > self._ends_at:
            yield self._finding(
                Kind.LEAK, position, f"came after its person was sent away at {self._ends_at}"
            )
        for room in rooms:
            if room not in self._rooms.views_of(position):
                yield self._finding(Kind.LEAK, position, f"is no event of {room}")
            if room not in self.complete:
                yield self._finding(Kind.LEAK, position, f"came for {room}, in which it is not")
            elif not self._entitled(room, position):
                yield self._finding(Kind.LEAK, position, f"came for {room}, which was not theirs then")

    def _entitled(self, room: str, position: int) -> bool:
        """Say whether a socket in the room may see its event at `position`.

        A replay goes by the rights of its own day: who belongs there now sees all that was before. Who has
        left sees nothing after.
        """
        if self._socket.role == "admin" or not room.endswith(":staff"):
            return True
        if position < self._not_before.get(room, 0):
            return False
        return self._belongs(room, position)

    def _belongs(self, room: str, position: int) -> bool:
        """Say whether the staff room is this person's at a position, or will be."""
        user, role, rights = self._socket.user, self._socket.role, self._rooms.rights
        granted = rights.granted_after(user, role, room, position)
        return granted is not None or rights.belongs(user, role, room, position)

    def _order(self, position: int, frame: Frame) -> Iterator[Finding]:
        fields = frozenset(frame["event"]["data"])
        known = self._brought.get(position)
        rooms = [room for room in frame["rooms"] if room in self.complete]
        self._brought[position] = fields | (known or frozenset())
        if known is not None and fields <= known:
            yield self._finding(Kind.TWICE, position, "came again on the same connection")
        elif position in self._missing:
            room = self._missing.pop(position)
            yield self._finding(Kind.OUT_OF_ORDER, position, f"came after later ones of {room}")
        elif rooms and all(position <= self.complete[room] for room in rooms):
            yield self._finding(Kind.TWICE, position, f"came though {rooms[0]} had been resumed from later")
        for room in rooms:
            self._advance(room, position)

    def _reached(self, position: int, rooms: Iterable[str]) -> Iterator[Finding]:
        if position > self._log.head:
            yield self._finding(Kind.ALTERED, position, f"reached, but the log ends at {self._log.head}")
        self._reached_here = max(self._reached_here, position)
        for room in rooms:
            if room in self.complete:
                self._advance(room, position)

    def _advance(self, room: str, position: int) -> None:
        """Move the room to `position`, noting what should have come before."""
        start = self.complete[room]
        if position <= start:
            return
        if start != _STARTS_ANYWHERE:
            for expected in self._expected(room, start, position):
                if not self._is_told(expected, room):
                    self._missing.setdefault(expected, room)
        self.complete[room] = position

    def _expected(self, room: str, after: int, until: int) -> Iterator[int]:
        for position in self._rooms.between(room, after, until):
            if self._ends_at is not None and position > self._ends_at:
                return
            if self._entitled(room, position):
                yield position

    def _is_told(self, position: int, room: str) -> bool:
        """Say whether another frame told as much as the room's would have, or a newer one replaces it."""
        record = self._log.at(position)
        if record is None:
            return True
        if position in self._brought:
            needed = told(record, self._rooms.views_of(position)[room]).data.keys()
            return needed <= self._brought[position]
        occupation = record.facts.get("occupation")
        return (
            self._conflates and occupation is not None and self._rooms.is_replaced(room, position, occupation)
        )

    def _finding(self, kind: Kind, position: int | None, sentence: str) -> Finding:
        return Finding(kind, self._socket.who, position, sentence)


def _names(rooms: Iterable[object]) -> Iterator[str]:
    """Yield the rooms that were granted: plain names, or `{"room", "joined"}`."""
    for room in rooms:
        if isinstance(room, str):
            yield room
        elif isinstance(room, Mapping) and room.get("joined"):
            yield str(room["room"])
