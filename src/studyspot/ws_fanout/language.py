"""Wire languages: how one socket speaks, whatever is spoken of.

What is heard becomes what the session is asked; what the session says is put into words. All else (rooms,
positions, limits, closing) is the session's and the hub's, and the same in every language.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Protocol

from studyspot.wire.frames import SUBPROTOCOL, CloseCode, ServerFrame
from studyspot.ws_fanout.effects import Effect
from studyspot.ws_fanout.encoder import Encoder
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.outlet import Outlet
from studyspot.ws_fanout.session import Session


class Wire(StrEnum):
    """The languages that there are, as metrics name them."""

    STUDYSPOT = SUBPROTOCOL
    SOCKET_IO = "socket.io"


class Language(Protocol):
    """One socket's side of a language.

    Attributes:
        wire: which language it is.
        session: what it asks.
        encoder: makes its events' frames; set by who knows which rooms these come by.
    """

    wire: ClassVar[Wire]
    session: Session
    encoder: Encoder

    def begin(self) -> Sequence[Effect]:
        """Say what is said before anything is heard."""

    def receive(self, data: str | bytes, now: Now) -> Sequence[Effect]:
        """Answer a message of the client."""

    def put(self, frame: ServerFrame) -> bytes:
        """Return whole WebSocket frames that say this; nothing where the language has no word for it."""

    def ping(self, outlet: Outlet) -> None:
        """Ask for a sign of life."""

    def close(self, outlet: Outlet, code: CloseCode, reason: str) -> None:
        """End the conversation, so that the client knows whether to come back."""
