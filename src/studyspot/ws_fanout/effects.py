"""What a session asks its socket and its node to do, in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from studyspot.wire.frames import CloseCode, ServerFrame
from studyspot.ws_fanout.encoder import Encoder
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.socket_io.remembered import Remembered

Then = Callable[[Remembered | None, Now], "Sequence[Effect]"]
"""What follows from what is kept of a connection, if anything is."""


@dataclass(frozen=True, slots=True)
class Send:
    frame: ServerFrame


@dataclass(frozen=True, slots=True)
class Write:
    """Whole WebSocket frames, which the socket's language has made by itself."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendPing:
    """Ask the other side for a sign of life."""


@dataclass(frozen=True, slots=True)
class Close:
    code: CloseCode
    reason: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """The socket is this person's from now on; whether its public seat frames wait for newer ones."""

    user_id: str
    conflates: bool


@dataclass(frozen=True, slots=True)
class Listen:
    """Bring each event of these rooms as it comes."""

    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unlisten:
    """Bring no more events of these rooms."""

    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Serve:
    """Some lane waits to be served from the log."""


@dataclass(frozen=True, slots=True)
class Encode:
    """Make the socket's events by this encoder from now on."""

    encoder: Encoder


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep this of the connection that is called `pid`; when any node finds it, ask what follows."""

    pid: str
    remembered: Remembered
    then: Then | None = None


@dataclass(frozen=True, slots=True)
class Recall:
    """Find out what is kept of the connection that was called `pid`; then ask what follows from it."""

    pid: str
    then: Then


Effect = Send | Write | SendPing | Close | Admitted | Listen | Unlisten | Serve | Encode | Remember | Recall
