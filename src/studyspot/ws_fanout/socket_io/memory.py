"""What a node asks of whoever keeps connections for their clients' return."""

from collections.abc import Callable
from typing import Protocol

from studyspot.ws_fanout.socket_io.remembered import Remembered

Answer = Callable[[Remembered | None], None]
"""Called with what is kept of a connection, or with None."""


class Memory(Protocol):
    """Where connections are kept; nothing here waits."""

    def remember(self, pid: str, remembered: Remembered, then: Answer | None) -> None:
        """Keep this of the connection that is called `pid`, as soon and as well as can be.

        When it is where any node finds it, call `then` with it; it may be that something newer comes first.
        """

    def recall(self, pid: str, then: Answer) -> None:
        """Call `then` soon with what is kept, or with None: now, or from the loop that owns the node."""
