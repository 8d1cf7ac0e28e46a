"""When which socket has to be looked at."""

import heapq
import math
from collections.abc import Iterator
from itertools import count

from studyspot.ws_fanout.peers import Peer


class Deadlines:
    """The sockets by their next deadline, in seconds of the clock that never jumps.

    What waits for its time is a socket's number: one that is gone must not be kept until then.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._next_number = count()
        self._numbers: dict[Peer, int] = {}
        self._peers: dict[int, Peer] = {}

    def watch(self, peer: Peer) -> None:
        """Look at the peer at its session's next deadline."""
        at = peer.session.next_deadline
        if at < peer.watched_at and not peer.session.closed:
            peer.watched_at = at
            heapq.heappush(self._heap, (at, self._number_of(peer)))

    def forget(self, peer: Peer) -> None:
        """The socket is gone."""
        number = self._numbers.pop(peer, None)
        if number is not None:
            del self._peers[number]

    def due(self, seconds: float) -> Iterator[Peer]:
        """Yield the peers whose time has come; each is then to be watched again."""
        while self._heap and self._heap[0][0] <= seconds:
            _, number = heapq.heappop(self._heap)
            peer = self._peers.get(number)
            if peer is None:
                continue
            peer.watched_at = math.inf
            if not peer.session.closed:
                yield peer

    def _number_of(self, peer: Peer) -> int:
        number = self._numbers.get(peer)
        if number is None:
            number = self._numbers[peer] = next(self._next_number)
            self._peers[number] = peer
        return number
