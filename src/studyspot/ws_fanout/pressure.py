"""Pressure: what all clients together have yet to read is bounded, too."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.peers import Peer

_EASE = 7 / 8
"""Of the bound: down to there sockets are closed, so that not each event closes the next one."""


@dataclass(frozen=True, slots=True)
class Relief:
    """Sockets that are too much: some are to be closed, and some, which are closing already, cut off."""

    close: Sequence[Peer] = ()
    cut_off: Sequence[Peer] = ()


class Pressure:
    """How near a node is to its bound of unsent bytes, and what follows from that.

    From half of the bound on, a socket may keep less and less unsent, so that more of them are left to the
    log. Beyond the bound, those with the most unsent are closed; they resume where they are. Where that is
    not enough by the next look, their end is not waited for.

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

    def look(self, peers: Collection[Peer]) -> Relief:
        """Sum up what is unsent, and return the sockets that are too much, largest first."""
        self.unsent_bytes = sum([peer.outlet.unsent_bytes() for peer in peers])
        if self.unsent_bytes <= self._in_all:
            return Relief()
        excess = self.unsent_bytes - self._in_all * _EASE
        unsent = [(peer.outlet.unsent_bytes(), peer) for peer in peers]
        unsent.sort(key=_bytes, reverse=True)
        cut_off, excess = _largest([one for one in unsent if one[1].session.closed], excess)
        close, _ = _largest([one for one in unsent if not one[1].session.closed], excess)
        return Relief(close, cut_off)


def _largest(unsent: Sequence[tuple[int, Peer]], excess: float) -> tuple[list[Peer], float]:
    """Return as many of these sockets as it takes, and what is still too much."""
    taken = []
    for size, peer in unsent:
        if excess <= 0 or not size:
            break
        taken.append(peer)
        excess -= size
    return taken, excess


def _bytes(entry: tuple[int, Peer]) -> int:
    return entry[0]
