"""One connection, frame by frame: entitlement, content, order, and what is missing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from studyspot.checker.conflation import LeftOut
from studyspot.checker.entitlement import Entitlement
from studyspot.checker.log import Log
from studyspot.checker.passages import Frame, Passage, Socket
from studyspot.checker.rooms import Rooms
from studyspot.checker.tokens import Claims
from studyspot.checker.verdict import Finding, Kind
from studyspot.checker.views import alterations, leaks, told

_TOO_MANY = "too-many-rooms"
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
        left_out: those that newer ones stand for: if they come with a resume, their client is past them.
    """

    complete: dict[str, int] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    due: set[int] = field(default_factory=set)
    left_out: set[int] = field(default_factory=set)


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
        self._rooms_of: dict[int, frozenset[str]] = {}
        self._again: set[int] = set()
        self._missing: dict[int, str] = {}
        self._left_out = LeftOut(rooms)
        self._may = Entitlement(rooms.rights, socket.user, socket.role)
        self._changes_role = False

    def judge(self, passage: Passage) -> Iterator[Finding]:
        """Find the faults of the next frame."""
        frame = passage.frame
        if passage.sent:
            self._asked[frame.get("id")] = frame
            if frame.get("type") == "join":
                start = frame["since"]["position"] if frame.get("since") else self._reached_here
                self._start(frame["rooms"], start)
            return
        if self._changes_role and not _is_unasked_move(frame):
            self._end_change_of_role()
        if frame.get("type") == "event":
            yield from self._event(frame)
            return
        match frame.get("type"):
            case "connected":
                yield from self._connected(frame)
            case "joined":
                yield from self._joined(frame)
            case "left":
                yield from self._left(frame)
            case "refreshed":
                yield from self._refreshed(frame)
            case "caught-up":
                yield from self._reached(frame["position"], frame["rooms"])
                self._left_out.caught_up(frame["rooms"])
            case "heartbeat":
                yield from self._reached(frame["position"], self._rooms_moved_by_heartbeats())
            case "behind":
                self._left_out.fell_behind(frame["position"], self.complete)
            case _:
                pass
        self._settle()

    def end(self, *, settled: bool) -> Iterator[Finding]:
        """Find what never came; with `settled`, up to the log's head."""
        if settled and self._may.ends_at is not None:
            yield self._finding(Kind.LEAK, self._may.ends_at, "is still open after its person was sent away")
        elif settled:
            yield from self._reached(self._log.head, tuple(self.complete))
            self._settle()
        # One that was never let in has changed nothing.
        if self.complete:
            self._progress.complete = {
                room: reached for room, reached in self.complete.items() if room not in self._may.awaited
            }
        for position, room in sorted(self._missing.items()):
            yield self._finding(Kind.GAP, position, f"never came in {room}")

    def _connected(self, frame: Frame) -> Iterator[Finding]:
        asked = self._asked.get(frame.get("id"), {})
        claims: Claims | None = asked.get("claims")
        role = claims.role if claims is not None else self._socket.role
        user, head, rights = self._socket.user, frame["head"], self._rooms.rights
        if (frame["user"], frame["role"]) != (user, role):
            sentence = f"was taken for {frame['role']} {frame['user']}"
            yield self._finding(Kind.LEAK, None, sentence)
        if head > self._log.head:
            yield self._finding(Kind.ALTERED, head, f"head, but the log ends at {self._log.head}")
        replays = frame["resume"] == "replaying"
        self._left_out.connected(conflate=bool(asked.get("conflate")), replays=replays)
        since = asked.get("since")
        resumes = since is not None and frame["resume"] != "snapshot-required"
        start: int = since["position"] if since is not None and resumes else head
        if rights.is_shut_out(user, head):
            yield self._finding(Kind.LEAK, None, f"was let in, and had been sent away before {head}")
        if claims is not None and rights.is_outdated(claims, head):
            yield self._finding(Kind.LEAK, None, f"was let in as {role}, which they were no more at {head}")
        self._may.begin(role, head)
        self.complete |= dict.fromkeys(self._may.own_rooms, start)
        for room in self._may.staff_rooms():
            if self._may.belongs(room, head):
                self.complete[room] = start
                self._may.enter(room, head, exact=True)
            else:
                self._await_grant(room, head)
        yield from self._answered(frame["rooms"], start, head, exact=True)
        if not resumes:
            self._progress.complete.clear()
            self._progress.starts.clear()
        self._reached_here = start
        known = self._progress.complete
        for room in self.complete.keys() - known.keys():
            # What happened in it while they were not in it, nobody owes them.
            self._start_no_earlier(room, max((start, *known.values())))
        for room, reached in self._progress.complete.items():
            if room not in self.complete or reached == _STARTS_ANYWHERE:
                continue
            for position in self._expected(room, reached, start):
                yield self._finding(Kind.GAP, position, f"never came in {room}: resumed only after {start}")

    def _refreshed(self, frame: Frame) -> Iterator[Finding]:
        claims: Claims | None = self._asked.get(frame.get("id"), {}).get("claims")
        if claims is None:
            return
        if claims.user != self._socket.user:
            yield self._finding(Kind.LEAK, None, f"was refreshed by a token of {claims.user}")
        if self._rooms.rights.is_outdated(claims, self._reached_here):
            sentence = f"was refreshed as {claims.role}, which they were no more at {self._reached_here}"
            yield self._finding(Kind.LEAK, None, sentence)
        if claims.role != self._may.role:
            for room in self._may.awaited:
                self.complete.pop(room, None)
            self._may.begin(claims.role, self._reached_here)
            self._changes_role = True

    def _start(self, rooms: Iterable[str], position: int) -> None:
        for room in rooms:
            self._progress.starts.setdefault(room, position)

    def _start_no_earlier(self, room: str, position: int) -> None:
        starts = self._progress.starts
        starts[room] = max(starts.get(room, position), position)

    def _joined(self, frame: Frame) -> Iterator[Finding]:
        asked = self._asked.get(frame.get("id"), {})
        since = asked.get("since")
        resumes = since is not None and frame.get("resume") != "snapshot-required"
        start: int = since["position"] if since is not None and resumes else _STARTS_ANYWHERE
        if since is not None:
            for room in _names(frame["rooms"]):
                self._bring_again(room, start)
        if frame.get("resume") == "replaying":
            self._left_out.joined(_names(frame["rooms"]))
        yield from self._answered(frame["rooms"], start, self._reached_here, exact=False)
        if frame.get("id") is None and self._changes_role:
            for room in _names(frame["rooms"]):
                self._progress.starts.pop(room, None)
            self._end_change_of_role()

    def _end_change_of_role(self) -> None:
        """Whatever was left and entered for it has been told; further rooms may be given later on."""
        self._changes_role = False
        for room in self._may.staff_rooms():
            if room not in self.complete:
                self._await_grant(room, self._reached_here)

    def _bring_again(self, room: str, start: int) -> None:
        """The room is asked for, perhaps once more: what no other room brought that they are in comes again.

        If they are in it, the rest may.
        """
        is_in = self.complete.pop(room, None) is not None
        if is_in:
            self._left_out.left(room)
        for position in self._rooms.between(room, start, self._log.head):
            if position not in self._brought:
                continue
            if self._rooms_of[position].isdisjoint(self.complete):
                del self._brought[position], self._rooms_of[position]
            elif is_in:
                self._again.add(position)

    def _left(self, frame: Frame) -> Iterator[Finding]:
        for room in frame["rooms"]:
            if frame.get("id") is None and self._is_theirs(room):
                yield self._finding(Kind.FALSE_REFUSAL, None, f"had to leave {room}, which is theirs")
            self._left_out.left(room)
            self.complete.pop(room, None)
            self._progress.starts.pop(room, None)
            granted = self._may.leave(room, self._reached_here)
            if granted is not None and not self._changes_role:
                self.complete[room] = granted - 1

    def _is_theirs(self, room: str) -> bool:
        if self._changes_role:
            return self._may.must_enter(room, self._reached_here, exact=False)
        return self._may.is_open(room) or not self._may.is_withdrawn(room)

    def _answered(
        self, answers: Iterable[object], start: int, position: int, *, exact: bool
    ) -> Iterator[Finding]:
        """Note which rooms it is let into, and find which it should not be, or should; as of a position.

        Without `exact`, the answer may be of a later one.
        """
        for room in _names(answers):
            if not self._may.may_enter(room, position):
                yield self._finding(Kind.LEAK, None, f"was let into {room}")
            elif room in self._may.awaited and room in self.complete:
                self._may.awaited.discard(room)
                # Before that, they were not in it: a later resume may bring it by the rights of that day.
                self._start_no_earlier(room, self.complete[room])
            else:
                self.complete.setdefault(room, start)
                self._may.enter(room, position, exact=exact)
        for room in _refused(answers):
            if self._may.must_enter(room, position, exact=exact):
                yield self._finding(Kind.FALSE_REFUSAL, None, f"was kept out of {room}, which is theirs")

    def _await_grant(self, room: str, position: int) -> None:
        """The room is not this person's at a position: it will be from the event on that gives it to them."""
        granted = self._may.await_grant(room, position)
        if granted is not None:
            self.complete[room] = granted - 1

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
        is_wanted = any(starts.get(room, position) < position for room in frame["rooms"])
        if is_wanted and position not in self._progress.left_out:
            self._progress.due.add(position)

    def _entitlement(self, position: int, rooms: Iterable[str]) -> Iterator[Finding]:
        ends_at = self._may.ends_at
        if ends_at is not None and position > ends_at:
            yield self._finding(Kind.LEAK, position, f"came after its person was sent away at {ends_at}")
        for room in rooms:
            if room not in self._rooms.views_of(position):
                yield self._finding(Kind.LEAK, position, f"is no event of {room}")
            if room not in self.complete:
                yield self._finding(Kind.LEAK, position, f"came for {room}, in which it is not")
            elif not self._may.sees(room, position):
                yield self._finding(Kind.LEAK, position, f"came for {room}, which was not theirs then")

    def _order(self, position: int, frame: Frame) -> Iterator[Finding]:
        fields = frozenset(frame["event"]["data"])
        known = self._brought.get(position)
        rooms = [room for room in frame["rooms"] if room in self.complete]
        self._brought[position] = fields | (known or frozenset())
        self._rooms_of[position] = self._rooms_of.get(position, frozenset()) | frozenset(frame["rooms"])
        if position in self._again:
            self._again.discard(position)
        elif known is not None and fields <= known:
            yield self._finding(Kind.TWICE, position, "came again on the same connection")
        elif excused := [room for room in rooms if self._left_out.is_excused(room, position)]:
            yield self._finding(Kind.OUT_OF_ORDER, position, f"came after later ones of {excused[0]}")
        elif position in self._missing:
            room = self._missing.pop(position)
            yield self._finding(Kind.OUT_OF_ORDER, position, f"came after later ones of {room}")
        elif rooms and all(position <= self.complete[room] for room in rooms):
            yield self._finding(Kind.TWICE, position, f"came though {rooms[0]} had been resumed from later")
        for room in rooms:
            if self.complete[room] == _STARTS_ANYWHERE:
                self._start_no_earlier(room, position - 1)
            self._advance(room, position)

    def _reached(self, position: int, rooms: Iterable[str]) -> Iterator[Finding]:
        if position > self._log.head:
            yield self._finding(Kind.ALTERED, position, f"reached, but the log ends at {self._log.head}")
        self._reached_here = max(self._reached_here, position)
        for room in rooms:
            if room in self.complete:
                if self.complete[room] == _STARTS_ANYWHERE:
                    self._start_no_earlier(room, position)
                self._advance(room, position)

    def _rooms_moved_by_heartbeats(self) -> tuple[str, ...]:
        """While anything is replayed, a heartbeat may be from before a room that was joined live."""
        if self._left_out.is_live:
            return tuple(self.complete)
        return tuple(room for room, start in self.complete.items() if start != _STARTS_ANYWHERE)

    def _advance(self, room: str, position: int) -> None:
        """Move the room to `position`, noting what should have come before."""
        start = self.complete[room]
        if position <= start:
            return
        self.complete[room] = position
        if start == _STARTS_ANYWHERE:
            return
        for expected in self._expected(room, start, position):
            if self._is_told(expected, room):
                continue
            if self._left_out.excuses(room, expected):
                self._progress.left_out.add(expected)
            else:
                self._missing.setdefault(expected, room)

    def _settle(self) -> None:
        """Whatever stands for what was left out has come by now."""
        for position, room in self._left_out.unsettled(self.complete):
            self._missing.setdefault(position, room)

    def _expected(self, room: str, after: int, until: int) -> Iterator[int]:
        for position in self._rooms.between(room, after, until):
            if self._may.ends_at is not None and position > self._may.ends_at:
                return
            if self._may.sees(room, position):
                yield position

    def _is_told(self, position: int, room: str) -> bool:
        """Say whether it came: in this room, or in others that see as much."""
        record, views = self._log.at(position), self._rooms.views_of(position)
        if record is None:
            return True
        if position not in self._brought:
            return False
        if any(views[other] >= views[room] for other in self._rooms_of[position] if other in views):
            return True
        return told(record, views[room]).data.keys() <= self._brought[position]

    def _finding(self, kind: Kind, position: int | None, sentence: str) -> Finding:
        return Finding(kind, self._socket.who, position, sentence)


def _is_unasked_move(frame: Frame) -> bool:
    """Say whether the frame tells of rooms that were left or entered without a request."""
    return frame.get("type") in ("left", "joined") and frame.get("id") is None


def _names(rooms: Iterable[object]) -> Iterator[str]:
    """Yield the rooms that were granted: plain names, or `{"room", "joined"}`."""
    for room in rooms:
        if isinstance(room, str):
            yield room
        elif isinstance(room, Mapping) and room.get("joined"):
            yield str(room["room"])


def _refused(rooms: Iterable[object]) -> Iterator[str]:
    """Yield the rooms that were refused for what they are, and not for their number."""
    for room in rooms:
        if isinstance(room, Mapping) and not room.get("joined") and room.get("code") != _TOO_MANY:
            yield str(room["room"])
