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
    conflate_every: timedelta = timedelta(milliseconds=250)
    """For so long at most, public seat frames wait for newer ones that stand for them, where it was asked."""
    drain_within: timedelta = timedelta(seconds=8)
    """At shutdown every socket is closed by then."""

    sockets: int = 20_000
    """Of one node, from the moment when one is let in."""
    sockets_per_user: int = 20
    sockets_per_address: int = 500
    """A campus may be one address."""
    sockets_before_connect: int = 5000
    """Open, and not yet anybody's; beyond, the one that has waited longest is closed."""
    handshakes: int = 10_000
    """Connections that are no sockets yet; beyond, they are cut off."""
    connects_per_second: int = 2000
    connects_at_once: int = 500
    turn_within: timedelta = timedelta(seconds=3)
    """Who comes when more are connecting waits so long at most for a turn, and is refused beyond."""
    rooms_per_socket: int = 200
    frames_per_second: int = 50
    frames_at_once: int = 100
    unsent_bytes: int = 256 * 1024
    """Of one socket; what comes on top is not kept for it but served again from the log."""
    unsent_bytes_in_all: int = 256 * 1024 * 1024
    """Of all sockets; near it each may have less unsent, beyond it those with the most are closed."""
    unsent_bytes_under_pressure: int = 64 * 1024
    """Of one socket, when there are as many unsent in all as may be."""

    window_events: int = 20_000
    window_bytes: int = 16 * 1024 * 1024
    encoded_bytes: int = 16 * 1024 * 1024
