"""The way out to one client."""

from datetime import timedelta
from typing import Protocol

from studyspot.wire.frames import CloseCode

AT_ONCE = timedelta()


class Outlet(Protocol):
    """A socket, to be written to; nothing here waits."""

    def write(self, data: bytes) -> None:
        """Send whole WebSocket frames; on a socket that is closing nothing is sent."""

    def offer(self, data: bytes, unsent_limit_bytes: int) -> bool:
        """Write them as well, unless some are unsent already and these would make it more than the limit.

        Return whether they are written, or need not be.
        """

    def unsent_bytes(self) -> int:
        """Return how much has been written that the operating system has not taken yet."""

    def is_full(self) -> bool:
        """Return whether the client should read first; `Hub.drained` is called when it has."""

    def send_ping(self) -> None:
        """Ask for a sign of life; `Hub.heard_pong` is called when it comes."""

    def begin_close(self, code: CloseCode, reason: str, *, after: timedelta = AT_ONCE) -> None:
        """Begin the closing handshake, unless the client does before; `Hub.gone` is called at its end."""

    def cut_off(self) -> None:
        """End at once; what is unsent is lost. `Hub.gone` is called soon."""
