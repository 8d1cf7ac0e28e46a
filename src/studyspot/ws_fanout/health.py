"""How a node is, as it tells over HTTP."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A node at one moment.

    Attributes:
        ready: sockets are let in.
        draining: it is going away, and sends its sockets elsewhere.
        epoch: the history that positions belong to.
        head: the last position that the node has.
        stream_head: the stream's, as far as it is known here.
        rights_position: up to where events have been folded into who may be in which room.
        sockets: those that are open, also those that have yet to connect.
        rooms: those that somebody is in.
        stale_since: since when the stream is silent (UTC), if it is.
        waits_for: why sockets are not let in, as far as that is known.
    """

    ready: bool
    draining: bool
    epoch: str
    head: int
    stream_head: int
    rights_position: int
    sockets: int
    rooms: int
    stale_since: datetime | None
    waits_for: str | None = None

    @property
    def lag(self) -> int:
        """How many events the stream has beyond the node's."""
        return max(0, self.stream_head - self.head)

    def details(self) -> dict[str, Any]:
        """Return all but readiness, as JSON's members."""
        return {
            "draining": self.draining,
            "epoch": self.epoch,
            "head": self.head,
            "streamHead": self.stream_head,
            "lag": self.lag,
            "rightsPosition": self.rights_position,
            "sockets": self.sockets,
            "rooms": self.rooms,
            "staleSince": self.stale_since.astimezone(UTC).isoformat() if self.stale_since else None,
            "waitsFor": self.waits_for,
        }
