"""Nodes that remember no connections."""

from collections.abc import Callable

from studyspot.ws_fanout.socket_io.remembered import Remembered


class Oblivion:
    """Keeps nothing: whoever comes back begins anew."""

    def remember(self, pid: str, remembered: Remembered) -> None:
        """Let it be forgotten."""

    def recall(self, pid: str, then: Callable[[Remembered | None], None]) -> None:
        """Call `then` with nothing at once."""
        then(None)
