"""What can go wrong for a client."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any


class ClientError(Exception):
    """Anything that this client raises about the other side."""


class ProblemError(ClientError):
    """The server said no: RFC 9457's members, and `extras` for those that the type adds."""

    def __init__(
        self,
        problem_type: str,
        title: str,
        status: int,
        detail: str,
        extras: Mapping[str, Any],
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.type = problem_type
        self.title = title
        self.status = status
        self.detail = detail
        self.extras = extras
        self.retry_after = retry_after


class AnswerLost(ClientError):
    """The connection broke, again and again, before an answer came: the command may have happened."""


class AnswerUnreadable(ClientError):
    """The server answered something else than the contract says."""


class SentAway(ClientError):
    """The server does not want this socket back: close codes 4500–4999, 1009, or a refused handshake."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason


class RoomRefused(ClientError):
    """This room is not open to us; `code` as in the frame, `reason` for people."""

    def __init__(self, room: str, code: str, reason: str) -> None:
        super().__init__(f"{room}: {reason}")
        self.room = room
        self.code = code
        self.reason = reason


class SnapshotNeeded(ClientError):
    """The log no longer reaches back to the `since` of a join: read a snapshot and join from there."""


class NotSignedIn(ClientError):
    """Nobody has signed in, so there is no token."""


class ClientClosed(ClientError):
    """The client has been closed."""
