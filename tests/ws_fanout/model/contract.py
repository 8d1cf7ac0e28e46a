"""What must be answered to what a client asks, and told when something happens."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studyspot.domain.people import Role
from studyspot.wire.frames import CloseCode
from tests.ws_fanout.model.conversation import Answer, Conversation
from tests.ws_fanout.model.deliveries import MAIN
from tests.ws_fanout.model.log import Happening
from tests.ws_fanout.model.rights import Town

ROOMS_PER_SOCKET = 6
SOCKETS_PER_USER = 2


@dataclass(frozen=True, slots=True)
class Known:
    """A `since`: everything up to here is known, of this epoch."""

    epoch: str
    position: int

    def body(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "position": self.position}


class Contract:
    """One history: its log, of which the oldest may be forgotten, and the town as it has become.

    Attributes:
        first_position: the oldest that the stream holds.
    """

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.log: list[Happening] = []
        self.town = Town()
        self.first_position = 1

    def connects(self, talk: Conversation, asked: Sequence[str], since: Known | None) -> None:
        own = self.town.own_rooms(talk.user, talk.role)
        resume, after = self._resume(since)
        talk.known_to = after
        answers = self._answers(talk, asked, dict.fromkeys(own))
        unasked = [room for room in self.town.staff_rooms(talk.user, talk.role) if room not in asked]
        answers += [{"room": room, "joined": True} for room in unasked]
        rooms = [*own, *(answer["room"] for answer in answers if answer["joined"])]
        fields = {
            "type": "connected",
            "id": 1,
            "epoch": self.epoch,
            "head": len(self.log),
            "user": talk.user,
            "role": talk.role,
            "rooms": answers,
            "resume": resume,
        }
        talk.expect(Answer(fields, enters=dict.fromkeys(rooms, after), awaits=resume == "replaying"))

    def joins(self, talk: Conversation, asked: Sequence[str], since: Known | None) -> None:
        answers = self._answers(talk, asked, talk.held)
        rooms = [answer["room"] for answer in answers if answer["joined"]]
        resume, after = self._resume(since if rooms else None)
        left: list[str] = []
        if since is None:
            rooms = [room for room in rooms if room not in talk.held]
        else:
            left = [room for room in rooms if room in talk.held]
        fields = {"type": "joined", "id": 2, "rooms": answers, "resume": resume}
        awaits = bool(rooms) and resume == "replaying"
        entered = dict.fromkeys(rooms, after)
        talk.expect(Answer(fields, enters=entered, leaves=left, group=talk.new_group(), awaits=awaits))

    def leaves(self, talk: Conversation, asked: Sequence[str]) -> None:
        left = [room for room in dict.fromkeys(asked) if room in talk.held]
        talk.expect(Answer({"type": "left", "id": 3, "rooms": sorted(left)}, leaves=left))

    def refreshes(self, talk: Conversation, role: Role, issued_at: datetime, expires_at: datetime) -> None:
        """A good token of the same person takes the place of the one before."""
        if code := self.town.turned_away(talk.user, role, issued_at):
            talk.must_end(code, len(self.log) + 1)
            return
        former, talk.role = talk.role, role
        talk.issued_at, talk.expires_at = issued_at, expires_at
        talk.expect(Answer({"type": "refreshed", "id": 4}))
        if role == former:
            return
        left = [room for room in talk.held if self.town.refusal(talk.user, role, room)]
        if left:
            talk.expect(Answer({"type": "left", "id": None, "rooms": sorted(left)}, leaves=left))
        entered = [room for room in self.town.own_rooms(talk.user, role) if room not in talk.held]
        if not entered:
            return
        answers = [{"room": room, "joined": True} for room in entered]
        fields = {"type": "joined", "id": None, "rooms": answers, "resume": "live"}
        after = dict.fromkeys(entered, len(self.log))
        talk.expect(Answer(fields, enters=after, group=talk.new_group()))

    def is_refused(self, talk: Conversation, frame_id: int, code: str) -> None:
        talk.expect(Answer({"type": "error", "id": frame_id, "code": code}))

    def happens(self, happening: Happening, at: datetime, talks: Iterable[Conversation]) -> None:
        """Take the next event in, and note who must be told what of it."""
        self.log.append(happening)
        self.town.take(happening, at)
        position, room = len(self.log), f"library:{happening.library}:staff"
        for talk in [talk for talk in talks if talk.user == happening.person and talk.ends is None]:
            match happening.kind:
                case "disabled" | "role-changed":
                    if code := self.town.turned_away(talk.user, talk.role, talk.issued_at):
                        talk.must_end(code, position)
                case "library-created" | "hired":
                    if room in self.town.staff_rooms(talk.user, talk.role) and room not in talk.held:
                        self._lets_in(talk, room, position)
                case "let-go":
                    if room in talk.held and self.town.refusal(talk.user, talk.role, room):
                        fields = {"type": "left", "id": None, "rooms": [room]}
                        talk.expect(Answer(fields, leaves=[room], ended_at=position))

    def turned_away(self, user: str, role: Role, issued_at: datetime, sockets: int) -> CloseCode | None:
        """Return the code with which a `connect` is answered, if it is not welcome."""
        if code := self.town.turned_away(user, role, issued_at):
            return code
        return CloseCode.TOO_MANY_SOCKETS if sockets >= SOCKETS_PER_USER else None

    def _lets_in(self, talk: Conversation, room: str, position: int) -> None:
        answers = [{"room": room, "joined": True}]
        fields = {"type": "joined", "id": None, "rooms": answers, "resume": "live"}
        # Who connected from beyond the head has what is up to there from another node.
        after = max(position - 1, talk.known_to)
        talk.expect(Answer(fields, enters={room: after}, group=MAIN))

    def _answers(
        self, talk: Conversation, asked: Iterable[str], held: Mapping[str, None]
    ) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = []
        count = len(held)
        for room in dict.fromkeys(asked):
            code = self.town.refusal(talk.user, talk.role, room)
            if code is None and room not in held:
                count += 1
                code = "too-many-rooms" if count > ROOMS_PER_SOCKET else None
            refused = {"joined": False, "code": code}
            answers.append({"room": room, **({"joined": True} if code is None else refused)})
        return answers

    def _resume(self, since: Known | None) -> tuple[str, int]:
        if since is None:
            return "live", len(self.log)
        if since.epoch != self.epoch or since.position < self.first_position - 1:
            return "snapshot-required", len(self.log)
        return ("replaying" if since.position < len(self.log) else "live"), since.position
