"""When which socket has to be looked at."""

import heapq
import math
from collections.abc import Iterator
from itertools import count

from studyspot.ws_fanout.peers import Peer


class Deadlines:
    """The sockets by their next deadline, in seconds of the clock that never jumps."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Peer]] = []
        self._ties = count()

    def watch(self, peer: Peer) -> None:
        """Look at the peer at its session's next deadline."""
        at = peer.session.next_deadline
        if at < peer.watched_at and not peer.session.closed:
            peer.watched_at = at
            heapq.heappush(self._heap, (at, next(self._ties), peer))

    def due(self, seconds: float) -> Iterator[Peer]:
        """Yield the peers whose time has come; each is then to be watched again."""
        while self._heap and self._heap[0][0] <= seconds:
            _, _, peer = heapq.heappop(self._heap)
            peer.watched_at = math.inf
            if not peer.session.closed:
                yield peer
