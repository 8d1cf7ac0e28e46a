"""Nodes that remember no connections."""

from studyspot.ws_fanout.socket_io.memory import Answer
from studyspot.ws_fanout.socket_io.remembered import Remembered


class Oblivion:
    """Keeps nothing: whoever comes back begins anew."""

    def remember(self, pid: str, remembered: Remembered, then: Answer | None) -> None:
        """Let it be forgotten, and say otherwise."""
        if then is not None:
            then(remembered)

    def recall(self, pid: str, then: Answer) -> None:
        """Call `then` with nothing at once."""
        then(None)
