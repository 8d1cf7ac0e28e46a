"""A node with its sockets, and the contract beside it: whatever is done to one is told to the other."""

from datetime import timedelta

from studyspot.domain.people import Role
from tests.ws_fanout.model.contract import Contract, Known
from tests.ws_fanout.model.conversation import Conversation
from tests.ws_fanout.model.driven import DrivenNode
from tests.ws_fanout.model.log import Happening, Kind
from tests.ws_fanout.model.sockets import HOUR, OpenSocket

ROLES: dict[str, Role] = {
    "s1": "student",
    "s2": "student",
    "s3": "student",
    "o1": "library_owner",
    "t1": "staff",
    "a1": "admin",
}
OLD_EPOCH, JUST_FORGOTTEN, OLDEST_KNOWN = 100, 101, 102


class Play:
    """What happens, and what is made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 0
        self.contract = Contract("k0")
        self.node = DrivenNode("k0")
        self.sockets: list[OpenSocket] = []
        self.happened = 0

    def new(self, kind: Kind, library: str, person: str, booking: str = "") -> Happening:
        self.happened += 1
        return Happening(kind, library, person, booking or f"B{self.happened}")

    def all_connect(self) -> None:
        """Some of everyone are there; of some, a second socket that conflates."""
        for user in ("s1", "o1", "a1", "t1"):
            self.connect(user, ["library:L1"], None)
        for user in ("s1", "o1"):
            self.connect(user, ["library:L1", "library:L2"], None, conflate=True)

    def publish(self, happenings: list[Happening]) -> None:
        for happening in happenings:
            self.contract.happens(happening, self.node.now.time, [socket.talk for socket in self.sockets])
        self.node.publish([happening.event() for happening in happenings])
        self.judge()

    def connect(
        self,
        user: str,
        rooms: list[str],
        since: Known | None,
        role: Role | None = None,
        *,
        conflate: bool = False,
    ) -> None:
        now, role = self.node.now.time, role or ROLES[user]
        lifetime = timedelta(minutes=30) if user == "s2" else 9 * HOUR
        sockets = sum(socket.talk.user == user for socket in self.sockets)
        log, epoch = self.contract.log, self.contract.epoch
        talk = Conversation(log, epoch, user, role, now, conflates=conflate)
        socket = OpenSocket(self.node, talk, self.contract)
        frame = {"type": "connect", "id": 1, "rooms": rooms, "conflate": conflate}
        frame["token"] = self.node.token(user, role, lifetime)
        if code := self.contract.turned_away(user, role, now, sockets):
            talk.must_end(code, 1)
        else:
            talk.expires_at = now + lifetime
            self.contract.connects(talk, rooms, since)
        self.sockets.append(socket)
        self.node.tell(socket.peer, frame | ({"since": since.body()} if since else {}))
        self.judge()

    def since(self, back: int | None) -> Known | None:
        if back is None:
            return None
        head, first = len(self.contract.log), self.contract.first_position
        epoch = "older" if back == OLD_EPOCH else self.contract.epoch
        after = {JUST_FORGOTTEN: first - 2, OLDEST_KNOWN: first - 1}.get(back, head - back)
        return Known(epoch, max(0, after))

    def pick(self, which: int) -> OpenSocket:
        return self.sockets[which % len(self.sockets)]

    def settle(self) -> None:
        self.node.settle()
        self.judge()

    def judge(self) -> None:
        for socket in tuple(self.sockets):
            if socket.is_over():
                self.sockets.remove(socket)
