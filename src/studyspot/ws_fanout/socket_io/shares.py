"""Who takes how much of what all accounts share; whoever takes more gives up their own oldest."""

from collections.abc import Sequence

SHARE_BYTES = 512 * 1024
"""Of one account, by one node: what as many sockets as it may have need, each in as many rooms as may be."""
MOST_CONNECTIONS = 50_000
"""Of all accounts together; beyond, those that were remembered longest ago are left to their age."""
_OVERHEAD_BYTES = 100
"""What the bucket takes for a value beside it."""


class Shares:
    """What of the bucket this node has filled for whom."""

    def __init__(self, *, share_bytes: int = SHARE_BYTES, most_connections: int = MOST_CONNECTIONS) -> None:
        self._share_bytes = share_bytes
        self._most_connections = most_connections
        self._connections = 0
        self._shares: dict[str, _Share] = {}

    def take(self, user_id: str, pid: str, size_bytes: int) -> Sequence[str]:
        """Count what a connection of this account takes now, and return those of its own to be erased."""
        # Accounts are in the order in which they took something last, and so are the connections of each.
        share = self._shares[user_id] = self._shares.pop(user_id, _Share())
        self._connections += share.put(pid, size_bytes + _OVERHEAD_BYTES)
        erased = []
        while share.size_bytes > self._share_bytes and len(share.sizes) > 1:
            erased.append(share.drop_oldest())
        self._connections -= len(erased)
        while self._connections > self._most_connections and len(self._shares) > 1:
            self._connections -= len(self._shares.pop(next(iter(self._shares))).sizes)
        return erased


class _Share:
    """The connections of one account, and what they take together."""

    __slots__ = ("size_bytes", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.size_bytes = 0

    def put(self, pid: str, size_bytes: int) -> int:
        """Count a connection as the newest, and return how many more there are."""
        before = self.sizes.pop(pid, None)
        self.sizes[pid] = size_bytes
        self.size_bytes += size_bytes - (before or 0)
        return int(before is None)

    def drop_oldest(self) -> str:
        pid = next(iter(self.sizes))
        self.size_bytes -= self.sizes.pop(pid)
        return pid
