"""Pressure: what all clients together have yet to read is bounded, too."""

from collections.abc import Collection, Sequence

from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.peers import Peer

_EASE = 7 / 8
"""Of the bound: down to there sockets are closed, so that not each event closes the next one."""


class Pressure:
    """How near a node is to its bound of unsent bytes, and what follows from that.

    From half of the bound on, a socket may keep less and less unsent, so that more of them are left to the
    log. Beyond the bound, those with the most unsent are closed; they resume where they are.

    Attributes:
        unsent_bytes: over all sockets, when they were last looked at.
    """

    def __init__(self, limits: Limits) -> None:
        self.unsent_bytes = 0
        self._in_all = limits.unsent_bytes_in_all
        self._most = limits.unsent_bytes
        self._least = min(limits.unsent_bytes, limits.unsent_bytes_under_pressure)

    @property
    def unsent_limit_bytes(self) -> int:
        """What one socket may have unsent now."""
        # 0 up to half of the bound, 1 at the bound.
        pressed = min(1.0, max(0.0, 2 * self.unsent_bytes / self._in_all - 1))
        return round(self._most - pressed * (self._most - self._least))

    def look(self, peers: Collection[Peer]) -> Sequence[Peer]:
        """Sum up what is unsent, and return the sockets that are too much, largest first."""
        self.unsent_bytes = sum([peer.outlet.unsent_bytes() for peer in peers])
        if self.unsent_bytes <= self._in_all:
            return ()
        # What is unsent on a socket that is closing goes with it.
        staying = [(peer.outlet.unsent_bytes(), peer) for peer in peers if not peer.session.closed]
        kept = sum(unsent for unsent, _ in staying)
        if kept <= self._in_all:
            return ()
        excess = kept - self._in_all * _EASE
        worst = []
        for unsent, peer in sorted(staying, key=_unsent, reverse=True):
            if excess <= 0:
                break
            worst.append(peer)
            excess -= unsent
        return worst


def _unsent(entry: tuple[int, Peer]) -> int:
    return entry[0]
