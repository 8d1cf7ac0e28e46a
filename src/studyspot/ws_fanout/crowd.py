"""Everyone on a node: who has yet to connect, and when whom is to be looked at."""

from collections.abc import Iterator, Sequence

from studyspot.ws_fanout.deadlines import Deadlines
from studyspot.ws_fanout.peers import Peer


class Crowd:
    """The sockets of a node, from the opening handshake to the end."""

    def __init__(self, *, most_unconnected: int) -> None:
        self._most_unconnected = most_unconnected
        self._peers: dict[Peer, None] = {}
        self._unconnected: dict[Peer, None] = {}
        self._deadlines = Deadlines()

    def __len__(self) -> int:
        return len(self._peers)

    def __iter__(self) -> Iterator[Peer]:
        return iter(self._peers)

    def peers(self) -> Sequence[Peer]:
        return tuple(self._peers)

    def enter(self, peer: Peer) -> Peer | None:
        """Take in a socket, and return the one to be closed where too many have yet to connect.

        It is the one that has had the longest time for it.
        """
        self._peers[peer] = self._unconnected[peer] = None
        self._deadlines.watch(peer)
        if len(self._unconnected) <= self._most_unconnected:
            return None
        oldest = next(iter(self._unconnected))
        del self._unconnected[oldest]
        return oldest

    def note(self, peer: Peer) -> None:
        """Note what the socket's session has come to."""
        self._deadlines.watch(peer)
        if peer.session.identity is not None:
            self._unconnected.pop(peer, None)

    def leave(self, peer: Peer) -> None:
        """The socket is gone."""
        self._peers.pop(peer, None)
        self._unconnected.pop(peer, None)
        self._deadlines.forget(peer)

    def due(self, seconds: float) -> Iterator[Peer]:
        """Yield the sockets whose time has come; each is then to be noted again."""
        return self._deadlines.due(seconds)
