"""Takes down what one client is told: hand it to a client, and its record to the judge."""

from collections.abc import Mapping, Sequence
from typing import Any

from studyspot.checker.passages import Connection, Delivery, Passage, Socket
from studyspot.checker.records import Answer
from studyspot.checker.tokens import claims_of


class Witness:
    """The record of one client that speaks for `user` in `role`; `who` names it in findings."""

    def __init__(self, who: str, user: str, role: str) -> None:
        self.answers: list[Answer] = []
        self.socket = Socket(who, user, role, delivered=[])

    def answered(
        self,
        method: str,
        path: str,
        key: str | None,
        request: Any,
        status: int | None,
        body: Any,
        position: int | None,
        after: int = 0,
    ) -> None:
        """Take down one attempt over HTTP; without a status, its answer was lost.

        `after` is a position that the log had reached when the request was sent.
        """
        answer = Answer(self.socket.user, method, path, key, request, status, body, position, after)
        self.answers.append(answer)

    def opened(self) -> None:
        """Take down that a connection has been opened."""
        self.socket.connections.append(Connection())

    def sent(self, frame: Mapping[str, Any]) -> None:
        """Take down a frame on its way out; of its token, only what it claims."""
        kept = {name: value for name, value in frame.items() if name != "token"}
        if "token" in frame:
            kept["claims"] = claims_of(frame["token"])
        self.socket.connections[-1].passages.append(Passage(True, kept))

    def received(self, frame: Mapping[str, Any]) -> None:
        """Take down a frame that came in."""
        self.socket.connections[-1].passages.append(Passage(False, frame))

    def closed(self, code: int) -> None:
        """Take down how the connection ended."""
        self.socket.connections[-1].close_code = code

    def delivered(self, position: int, rooms: Sequence[str], fields: frozenset[str]) -> None:
        """Take down an event handed to the application: for which rooms, and the names of its data."""
        assert self.socket.delivered is not None
        self.socket.delivered.append(Delivery(position, tuple(rooms), fields))
