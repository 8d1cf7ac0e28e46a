"""What a node asks of whoever keeps connections for their clients' return."""

from collections.abc import Callable
from typing import Protocol

from studyspot.ws_fanout.socket_io.remembered import Remembered


class Memory(Protocol):
    """Where connections are kept; nothing here waits."""

    def remember(self, pid: str, remembered: Remembered) -> None:
        """Keep this of the connection that is called `pid`, as soon and as well as can be."""

    def recall(self, pid: str, then: Callable[[Remembered | None], None]) -> None:
        """Call `then` soon with what is kept, or with None: now, or from the loop that owns the node."""
