"""A socket of the node together with what must come of it."""

from datetime import timedelta
from typing import Any

from tests.ws_fanout.model.contract import Contract
from tests.ws_fanout.model.conversation import Answer, Conversation
from tests.ws_fanout.model.driven import DrivenNode
from tests.ws_fanout.model.far_end import FarEnd

HOUR = timedelta(hours=1)


class OpenSocket:
    """One client: its line to the node, and its conversation as it must be."""

    def __init__(self, node: DrivenNode, talk: Conversation, contract: Contract) -> None:
        self.line = FarEnd()
        self.peer = node.hub.open(self.line)
        self.talk = talk
        self._node = node
        self._contract = contract

    def ask(self, what: str) -> None:
        """Send what is answered and changes nothing."""
        talk, node = self.talk, self._node
        frame: dict[str, Any] = {"type": "refresh", "id": 5, "token": "no token"}
        code = "token-refused"
        match what:
            case "ping":
                talk.expect(Answer({"type": "pong", "id": 5}))
                node.tell(self.peer, {"type": "ping", "id": 5})
                return
            case "expired":
                code, frame["token"] = "token-expired", node.token(talk.user, talk.role, -HOUR)
            case "another":
                code, frame["token"] = "token-of-another", node.token("s9", talk.role, HOUR)
            case "twice":
                code, frame["type"] = "already-connected", "connect"
            case "no-frame":
                code, frame["type"] = "unknown-frame", "event"
        self._contract.is_refused(talk, 5, code)
        node.tell(self.peer, frame)

    def take(self, most_bytes: int) -> None:
        """Read that many bytes; who has read all goes on reading."""
        was_full = self.line.is_full()
        self.talk.hear(self.line.take(most_bytes))
        self.line.reads = self.line.unsent_bytes() == 0
        if was_full and not self.line.is_full():
            self._node.hub.drained(self.peer)

    def drop(self) -> None:
        self._node.hub.gone(self.peer)

    def is_over(self) -> bool:
        """Judge what there is to read by now, and return whether the other side has closed, as it had to."""
        if self.line.closed is not None or self.line.reads:
            self.talk.hear(self.line.take())
            self.talk.has_every_answer()
        if self.line.closed is None:
            assert self.talk.ends is None, f"{self.talk.ends} is still open"
            return False
        assert self.talk.ends is not None, f"closed with {self.line.closed}"
        assert self.line.closed == self.talk.ends[0]
        self.drop()
        return True

    def has_everything(self) -> None:
        """Everything that its rooms saw has been brought, once nothing is left to do."""
        head = len(self._contract.log)
        self.talk.deliveries.has_all(head)
        if not any(after > head for after in self.talk.ahead.values()) and self.talk.known_to <= head:
            self.talk.deliveries.merge()
