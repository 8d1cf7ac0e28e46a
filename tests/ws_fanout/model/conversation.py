"""One socket's conversation as the contract has it: which answers must come, in which order."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from studyspot.domain.people import Role
from studyspot.wire.frames import CloseCode
from tests.ws_fanout.model.deliveries import MAIN, Deliveries
from tests.ws_fanout.model.log import Happening
from tests.ws_fanout.model.thinning import Thinning


@dataclass(frozen=True, slots=True)
class Answer:
    """A frame that must come, before any other but those of events and promises; and what it changes.

    Attributes:
        fields: what it says at least.
        enters: rooms, each with the position after which its events are owed.
        leaves: rooms whose events are over; those from `ended_at` on are not even to come before it.
        awaits: the rooms that are entered are told when they have caught up.
    """

    fields: Mapping[str, Any]
    enters: Mapping[str, int] = field(default_factory=dict)
    leaves: Sequence[str] = ()
    ended_at: int | None = None
    group: int = MAIN
    awaits: bool = False


class Conversation:
    """A socket whose client has sent `connect`.

    Attributes:
        held: the rooms that the other side has it in by now, with what was sent but not yet read.
        known_to: everything up to here was known when it connected.
        expires_at: when its token ends (UTC).
        ends: the code with which the other side must close, and the first position that must not come.
        stale_told: what the last heartbeat said of the stream.
    """

    def __init__(
        self,
        log: Sequence[Happening],
        epoch: str,
        user: str,
        role: Role,
        issued_at: datetime,
        *,
        conflates: bool,
    ) -> None:
        self.user = user
        self.role = role
        self.issued_at = issued_at
        self.expires_at: datetime | None = None
        self.held: dict[str, None] = {}
        self.known_to = 0
        self.deliveries = Deliveries(log, epoch, Thinning(log, asked=conflates))
        self.ends: tuple[CloseCode, int] | None = None
        self.beats = 0
        self.stale_told = False
        self.ahead: dict[str, int] = {}
        """Rooms that were entered from beyond the head of the log, and from where."""
        self._groups = MAIN
        self._expected: deque[Answer] = deque()
        self._log = log

    def new_group(self) -> int:
        self._groups += 1
        return self._groups

    def expect(self, answer: Answer) -> None:
        """This is the next answer; the other side has changed its rooms already."""
        self._expected.append(answer)
        for room in answer.leaves:
            del self.held[room]
            self.ahead.pop(room, None)
        for room, after in answer.enters.items():
            self.held[room] = None
            if after > len(self._log):
                self.ahead[room] = after

    def must_end(self, code: CloseCode, position: int) -> None:
        """The other side closes now: nothing from this position on is for this client."""
        if self.ends is None:
            self.ends = (code, position)

    def hear(self, frames: Sequence[Mapping[str, Any]]) -> None:
        """Judge what has been read."""
        for frame in frames:
            if frame["type"] != "event":
                self.deliveries.nothing_waits()
            match frame["type"]:
                case "event":
                    assert self.ends is None or frame["position"] < self.ends[1], f"{frame} after the end"
                    self.deliveries.hear_event(frame)
                case "caught-up":
                    self.deliveries.hear_caught_up(frame)
                case "heartbeat":
                    self.beats += 1
                    self.stale_told = "staleSince" in frame
                    self.deliveries.hear_heartbeat(frame)
                case "behind":
                    self.deliveries.hear_behind(frame)
                case _:
                    self._hear_answer(frame)

    def has_every_answer(self) -> None:
        assert not self._expected, f"{self._expected[0].fields} never came"

    def _hear_answer(self, frame: Mapping[str, Any]) -> None:
        assert self._expected, f"nobody asked for {frame}"
        answer = self._expected.popleft()
        said = {key: frame.get(key) for key in answer.fields}
        assert _without_reasons(said) == answer.fields, f"{frame} instead of {answer.fields}"
        self.deliveries.leave(answer.leaves, ended_at=answer.ended_at)
        if answer.enters or answer.awaits:
            self.deliveries.enter(answer.enters, answer.group, awaits=answer.awaits)


def _without_reasons(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out the words for people, and the order of rooms that were left."""
    if said.get("type") == "left":
        return {**said, "rooms": sorted(said["rooms"])}
    rooms = said.get("rooms")
    if rooms is None:
        return said
    assert all(("reason" in room) == (not room["joined"]) for room in rooms)
    without = [{key: value for key, value in room.items() if key != "reason"} for room in rooms]
    return {**said, "rooms": without}
