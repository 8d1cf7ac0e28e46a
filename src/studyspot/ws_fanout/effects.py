"""What a session asks its socket and its node to do, in order."""

from dataclasses import dataclass

from studyspot.wire.frames import CloseCode, ServerFrame


@dataclass(frozen=True, slots=True)
class Send:
    frame: ServerFrame


@dataclass(frozen=True, slots=True)
class SendPing:
    """Ask the other side's WebSocket layer for a sign of life."""


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


Effect = Send | SendPing | Close | Admitted | Listen | Unlisten | Serve
