"""What went through one client's socket, connection after connection, and what came out of the client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Frame = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Passage:
    """One frame, sent by the client or received by it."""

    sent: bool
    frame: Frame


@dataclass(slots=True)
class Connection:
    """One connection, from its first frame to its close code; none while it is open."""

    passages: list[Passage] = field(default_factory=list)
    close_code: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that the client handed to its application, with the rooms for which it was new."""

    position: int
    rooms: Sequence[str]
    fields: frozenset[str]


@dataclass(slots=True)
class Socket:
    """One client's socket: who it speaks for, whatever the server says.

    `delivered` is none where the frames were read without a client that drops what it has.
    """

    who: str
    user: str
    role: str
    connections: list[Connection] = field(default_factory=list)
    delivered: list[Delivery] | None = None
