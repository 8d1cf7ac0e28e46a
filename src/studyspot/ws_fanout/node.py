"""What a session knows of the node that it lives on, and of the time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from studyspot.access.tokens import Identity
from studyspot.ws_fanout.rights import Standing


@dataclass(frozen=True, slots=True)
class Now:
    """One moment, told twice: `seconds` never jump; `time` (UTC) is what tokens and people say."""

    seconds: float
    time: datetime


class Node(Protocol):
    """The node as its sessions see it.

    Attributes:
        epoch: the history that positions belong to.
        head: the last position that the node has.
        first_position: the oldest that the stream still holds.
        stale_since: since when the stream is silent, if it is.
    """

    epoch: str
    head: int
    first_position: int
    stale_since: datetime | None

    def verify(self, token: str, now: datetime) -> Identity:
        """Return who the token speaks for, or raise `TokenRefused`."""

    def staff_rooms_of(self, identity: Identity) -> Sequence[str]:
        """Return the staff rooms that this person belongs in, in the role of their token."""

    def standing_of(self, identity: Identity) -> Standing:
        """Return whether the person may be here, with this token."""

    def sockets_of(self, user_id: str) -> int:
        """Return how many sockets this person has on this node."""
