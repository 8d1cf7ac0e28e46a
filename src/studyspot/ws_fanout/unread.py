"""When a node looks at what its clients have yet to read, and what it allows each of them."""

from collections.abc import Collection
from datetime import timedelta

from studyspot.ws_fanout.dispatch import Dispatcher
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.pressure import Pressure, Relief

_ANSWERS_BYTES = 256 * 1024
"""Beside the events that a socket may have unsent."""
_LOOK_EVERY = timedelta(milliseconds=500)
"""At what is unsent; sooner where much is written."""


class Unread:
    """What all clients of a node have yet to read, looked at often enough that it stays within its bound."""

    def __init__(self, limits: Limits, dispatcher: Dispatcher) -> None:
        self._limits = limits
        self._dispatcher = dispatcher
        self._pressure = Pressure(limits)
        self._look_at = 0.0
        self._written_since = 0

    @property
    def unsent_bytes(self) -> int:
        """Over all sockets, when they were last looked at."""
        return self._pressure.unsent_bytes

    def is_too_much_of(self, peer: Peer) -> bool:
        """Say whether a client asks on and on and reads no answer: these do not follow from the log."""
        return peer.outlet.unsent_bytes() > self._limits.unsent_bytes + _ANSWERS_BYTES

    def has_grown(self) -> bool:
        """Say whether so much has been written that the bound may be reached."""
        written = self._written_since + self._dispatcher.tally.written_bytes
        return self._pressure.unsent_bytes + written > self._limits.unsent_bytes_in_all

    def is_due(self, seconds: float) -> bool:
        """Say whether it is time to look again, by the clock that never jumps."""
        self._written_since += self._dispatcher.tally.report()
        return seconds >= self._look_at

    def look(self, peers: Collection[Peer], seconds: float) -> Relief:
        """Return the sockets that are too much; what each of the others may have unsent follows."""
        relief = self._pressure.look(peers)
        self._dispatcher.unsent_limit_bytes = self._pressure.unsent_limit_bytes
        self._dispatcher.tally.report()
        self._written_since = 0
        self._look_at = seconds + _LOOK_EVERY.total_seconds()
        return relief
