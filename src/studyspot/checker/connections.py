"""One connection, frame by frame: entitlement, content, order, and what is missing."""

from collections.abc import Iterable, Iterator

from studyspot.checker.brought import Brought
from studyspot.checker.conflation import LeftOut
from studyspot.checker.entitlement import Entitlement
from studyspot.checker.log import Log
from studyspot.checker.passages import Frame, Passage, Socket
from studyspot.checker.progress import Progress
from studyspot.checker.room_answers import granted, is_unasked_move, refused
from studyspot.checker.rooms import Rooms
from studyspot.checker.tokens import Claims
from studyspot.checker.verdict import Finding, Kind
from studyspot.checker.views import alterations, leaks, told

_STARTS_ANYWHERE = -1
"""The start of a room that was joined live, at a position that the server did not tell."""


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
        self._brought = Brought(log, rooms)
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
                self._progress.start(frame["rooms"], start)
            return
        if self._changes_role and not is_unasked_move(frame):
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
            self._progress.keep(
                {room: reached for room, reached in self.complete.items() if room not in self._may.awaited}
            )
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
            self._progress.forget()
        self._reached_here = start
        known = self._progress.complete
        for room in self.complete.keys() - known.keys():
            # What happened in it while they were not in it, nobody owes them.
            self._progress.start_no_earlier(room, max(start, self._progress.furthest))
        for room, reached in self._progress.complete.items():
            if room not in self.complete or reached == _STARTS_ANYWHERE:
                continue
            for position in self._expected(room, reached, start):
                yield self._finding(Kind.GAP, position, f"never came in {room}: resumed only after {start}")
        self._progress.go_on_with(self.complete.keys())

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

    def _joined(self, frame: Frame) -> Iterator[Finding]:
        asked = self._asked.get(frame.get("id"), {})
        since = asked.get("since")
        resumes = since is not None and frame.get("resume") != "snapshot-required"
        start: int = since["position"] if since is not None and resumes else _STARTS_ANYWHERE
        if since is not None:
            for room in granted(frame["rooms"]):
                self._bring_again(room, start)
        if frame.get("resume") == "replaying":
            self._left_out.joined(granted(frame["rooms"]))
        yield from self._answered(frame["rooms"], start, self._reached_here, exact=False)
        if frame.get("id") is None and self._changes_role:
            for room in granted(frame["rooms"]):
                self._progress.starts.pop(room, None)
            self._end_change_of_role()

    def _end_change_of_role(self) -> None:
        """Whatever was left and entered for it has been told; further rooms may be given later on."""
        self._changes_role = False
        for room in self._may.staff_rooms():
            if room not in self.complete:
                self._await_grant(room, self._reached_here)

    def _bring_again(self, room: str, start: int) -> None:
        """The room is asked for, perhaps once more."""
        is_in = self.complete.pop(room, None) is not None
        self._progress.complete.pop(room, None)
        if is_in:
            self._left_out.left(room)
        self._brought.bring_again(room, start, self.complete.keys(), is_in=is_in)

    def _left(self, frame: Frame) -> Iterator[Finding]:
        for room in frame["rooms"]:
            if frame.get("id") is None and self._is_theirs(room):
                yield self._finding(Kind.FALSE_REFUSAL, None, f"had to leave {room}, which is theirs")
            self._left_out.left(room)
            self.complete.pop(room, None)
            self._brought.left(room, self.complete)
            self._progress.leave(room)
            begins = self._may.leave(room, self._reached_here)
            if begins is not None and not self._changes_role:
                self.complete[room] = begins - 1

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
        for room in granted(answers):
            if not self._may.may_enter(room, position):
                yield self._finding(Kind.LEAK, None, f"was let into {room}")
            elif room in self._may.awaited and room in self.complete:
                self._may.awaited.discard(room)
                # Before that, they were not in it: a later resume may bring it by the rights of that day.
                self._progress.start_no_earlier(room, self.complete[room])
            else:
                if start == _STARTS_ANYWHERE and room not in self.complete:
                    # It begins where its client is by now: the server is no less far.
                    self._progress.start_no_earlier(room, position)
                self.complete.setdefault(room, start)
                self._may.enter(room, position, exact=exact)
        for room in refused(answers):
            if self._may.must_enter(room, position, exact=exact):
                yield self._finding(Kind.FALSE_REFUSAL, None, f"was kept out of {room}, which is theirs")

    def _await_grant(self, room: str, position: int) -> None:
        """The room is not this person's at a position: it will be from the event on that gives it to them."""
        begins = self._may.await_grant(room, position)
        if begins is not None:
            self.complete[room] = begins - 1

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
        self._progress.hand_over(position, frame["rooms"])

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
        rooms = [room for room in frame["rooms"] if room in self.complete]
        coming = self._brought.take(position, frozenset(frame["event"]["data"]), frame["rooms"])
        if coming == "once more":
            pass
        elif coming == "twice":
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
                self._progress.start_no_earlier(room, position - 1)
            self._advance(room, position)

    def _reached(self, position: int, rooms: Iterable[str]) -> Iterator[Finding]:
        if position > self._log.head:
            yield self._finding(Kind.ALTERED, position, f"reached, but the log ends at {self._log.head}")
        self._reached_here = max(self._reached_here, position)
        for room in rooms:
            if room in self.complete:
                if self.complete[room] == _STARTS_ANYWHERE:
                    self._progress.start_no_earlier(room, position)
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
            if self._brought.has(expected, room):
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

    def _finding(self, kind: Kind, position: int | None, sentence: str) -> Finding:
        return Finding(kind, self._socket.who, position, sentence)
