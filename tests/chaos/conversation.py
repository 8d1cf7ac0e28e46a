"""A recorded connection, frame by frame over the log of the recorded day, and what is said of it."""

from typing import Any

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.passages import Connection, Passage, Socket
from studyspot.checker.tokens import Claims
from studyspot.checker.verdict import Kind, Verdict
from tests.chaos import recorded_day as day


class Conversation:
    """One connection, frame by frame, over the log of the recorded day."""

    def __init__(self, user: str = "s1", role: str = "student") -> None:
        self.records = day.records()
        self.socket = Socket(user, user, role, [Connection()])
        self._request = 0

    def verdict(self, *, settled: bool = True) -> Verdict:
        return judge(Evidence(self.records, sockets=[self.socket], settled=settled))

    def found(self, *, settled: bool = True) -> set[tuple[Kind, int | None]]:
        return {(finding.kind, finding.position) for finding in self.verdict(settled=settled).findings}

    def connect(
        self,
        *rooms: str,
        head: int,
        since: int | None = None,
        resume: str = "live",
        conflate: bool = False,
        claims: Claims | None = None,
    ) -> "Conversation":
        asked = {"rooms": list(rooms), "conflate": conflate, **self._since(since)}
        if claims is not None:
            asked["claims"] = claims
        answer = {
            "epoch": day.EPOCH,
            "head": head,
            "user": self.socket.user,
            "role": claims.role if claims is not None else self.socket.role,
            "resume": resume,
        }
        return self._exchange("connect", asked, "connected", rooms, answer)

    def join(self, *rooms: str, since: int | None = None, resume: str = "live") -> "Conversation":
        asked = {"rooms": list(rooms), **self._since(since)}
        return self._exchange("join", asked, "joined", rooms, {"resume": resume})

    def asks_to_join(self, *rooms: str, since: int | None = None) -> "Conversation":
        """Ask, and hear no answer yet."""
        self._request += 1
        asked = {"type": "join", "id": self._request, "rooms": list(rooms)}
        return self._pass(True, {**asked, **self._since(since)})

    def has_joined(self, *rooms: str) -> "Conversation":
        """Hear that what was asked last is granted, live."""
        answers = [{"room": room, "joined": True} for room in rooms]
        return self.receive({"type": "joined", "id": self._request, "rooms": answers, "resume": "live"})

    def leave(self, *rooms: str) -> "Conversation":
        self._request += 1
        self._pass(True, {"type": "leave", "id": self._request, "rooms": list(rooms)})
        return self.receive({"type": "left", "id": self._request, "rooms": list(rooms)})

    def refresh(self, claims: Claims) -> "Conversation":
        return self._exchange("refresh", {"claims": claims}, "refreshed", (), {})

    def granted(self, *rooms: str) -> "Conversation":
        """Let in unasked."""
        answers = [{"room": room, "joined": True} for room in rooms]
        return self.receive({"type": "joined", "id": None, "rooms": answers, "resume": "live"})

    def revoked(self, *rooms: str) -> "Conversation":
        """Sent out unasked."""
        return self.receive({"type": "left", "id": None, "rooms": list(rooms), "reason": "…"})

    def refused(self, room: str, code: str = "room-forbidden") -> "Conversation":
        """Ask for a room, and be kept out of it."""
        self._request += 1
        self._pass(True, {"type": "join", "id": self._request, "rooms": [room]})
        answer = {"room": room, "joined": False, "code": code}
        return self.receive({"type": "joined", "id": self._request, "rooms": [answer], "resume": "live"})

    def event(self, position: int, *rooms: str) -> "Conversation":
        return self.receive(day.frame(self.records[position - 1], rooms))

    def caught_up(self, position: int, *rooms: str) -> "Conversation":
        return self.receive({"type": "caught-up", "position": position, "rooms": list(rooms)})

    def heartbeat(self, position: int) -> "Conversation":
        return self.receive({"type": "heartbeat", "position": position})

    def receive(self, frame: dict[str, Any]) -> "Conversation":
        return self._pass(False, frame)

    def closed(self, code: int) -> "Conversation":
        self.socket.connections[-1].close_code = code
        return self

    def drop(self) -> "Conversation":
        self.socket.connections[-1].close_code = 1006
        self.socket.connections.append(Connection())
        return self

    def _exchange(
        self, ask: str, asked: dict[str, Any], answer: str, rooms: tuple[str, ...], told: dict[str, Any]
    ) -> "Conversation":
        self._request += 1
        self._pass(True, {"type": ask, "id": self._request, **asked})
        granted = [{"room": room, "joined": True} for room in rooms]
        return self.receive({"type": answer, "id": self._request, "rooms": granted, **told})

    def _pass(self, sent: bool, frame: dict[str, Any]) -> "Conversation":
        self.socket.connections[-1].passages.append(Passage(sent, frame))
        return self

    def _since(self, position: int | None) -> dict[str, Any]:
        return {} if position is None else {"since": {"epoch": day.EPOCH, "position": position}}
