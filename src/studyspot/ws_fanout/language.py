"""Wire languages: how one socket speaks, whatever is spoken of.

What is heard becomes what the session is asked; what the session says is put into words. All else (rooms,
positions, limits, closing) is the session's and the hub's, and the same in every language.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Protocol

from studyspot.wire.frames import SUBPROTOCOL, CloseCode, ServerFrame
from studyspot.ws_fanout.conflation import SeatKey
from studyspot.ws_fanout.effects import Effect
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.outlet import Outlet
from studyspot.ws_fanout.routed import RoutedEvent
from studyspot.ws_fanout.session import Session


class Wire(StrEnum):
    """The languages that there are, as metrics name them."""

    STUDYSPOT = SUBPROTOCOL
    SOCKET_IO = "socket.io"


class Encoder(Protocol):
    """Makes the bytes of events, once for all sockets of a language that get the same."""

    def frame(self, event: RoutedEvent, rooms: tuple[str, ...]) -> bytes:
        """Return whole WebSocket frames for sockets that get the event by these of its rooms.

        Nothing, where the language says nothing of it.
        """

    def replaceable(self, event: RoutedEvent, rooms: tuple[str, ...]) -> SeatKey | None:
        """Return what those frames are about, if newer ones about the same may stand for them."""

    def forget(self) -> None:
        """Forget every frame that was made: other ones are to be made of the same positions."""


class Language(Protocol):
    """One socket's side of a language.

    Attributes:
        wire: which language it is.
        session: what it asks.
        encoder: makes its events' frames.
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
