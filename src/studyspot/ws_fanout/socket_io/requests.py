"""How Engine.IO asks for a transport, and how it is told what it cannot have."""

from typing import Any
from urllib.parse import parse_qs

PATH = "/socket.io/"
VERSION = "4"
TRANSPORT = "websocket"
_MOST_FIELDS = 50


class RequestRefused(Exception):
    """The transport is not to be had; `cause` is what that is counted by.

    `code` and `message` are Engine.IO's own, as its clients know them.
    """

    def __init__(self, cause: str, code: int, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        """Return the answer's JSON."""
        return {"code": self.code, "message": self.message}


TRANSPORT_UNKNOWN = "transport-unknown"
VERSION_UNSUPPORTED = "version-unsupported"
SESSION_UNKNOWN = "session-unknown"

CAUSES = (TRANSPORT_UNKNOWN, VERSION_UNSUPPORTED, SESSION_UNKNOWN)


def check_query(query: str) -> None:
    """Ask whether a request with this query wants a WebSocket of Engine.IO 4.

    Raises:
        RequestRefused: it wants something else.
    """
    asked = parse_qs(query) if query.count("&") < _MOST_FIELDS else {}
    if asked.get("transport") != [TRANSPORT]:
        raise RequestRefused(TRANSPORT_UNKNOWN, 0, "Transport unknown")
    if "sid" in asked:
        # Of a transport that is to become a WebSocket: there are no others here that could.
        raise RequestRefused(SESSION_UNKNOWN, 1, "Session ID unknown")
    if asked.get("EIO") != [VERSION]:
        raise RequestRefused(VERSION_UNSUPPORTED, 5, "Unsupported protocol version")
