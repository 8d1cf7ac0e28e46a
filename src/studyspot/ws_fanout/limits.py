"""What one socket, one person and one node may take."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of the fan-out; the defaults are those of the contract where it names any."""

    connect_within: timedelta = timedelta(seconds=5)
    heartbeat_every: timedelta = timedelta(seconds=25)
    pong_within: timedelta = timedelta(seconds=20)
    stalled_for: timedelta = timedelta(seconds=30)
    """A reader that is behind and takes nothing for this long is closed."""
    drain_within: timedelta = timedelta(seconds=8)
    """At shutdown every socket is closed by then."""

    sockets_per_user: int = 20
    rooms_per_socket: int = 200
    frames_per_second: int = 50
    frames_at_once: int = 100
    unsent_bytes: int = 256 * 1024
    """Of one socket; what comes on top is not kept for it but served again from the log."""

    window_events: int = 20_000
    window_bytes: int = 16 * 1024 * 1024
    encoded_bytes: int = 16 * 1024 * 1024
