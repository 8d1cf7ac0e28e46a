"""How far a socket is, from one connection to the next."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """What later connections of a socket are judged by.

    Attributes:
        complete: up to where each room of the last connection has been brought.
        starts: from where on each room was first asked for: what is older comes again with every resume
            from before, and its client drops it.
        due: the positions that came and were to be handed over.
        left_out: those that newer ones stand for: if they come with a resume, their client is past them.
    """

    complete: dict[str, int] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    due: set[int] = field(default_factory=set)
    left_out: set[int] = field(default_factory=set)

    def start(self, rooms: Iterable[str], position: int) -> None:
        """The rooms are asked for from a position on, those that have a start already excepted."""
        for room in rooms:
            self.starts.setdefault(room, position)

    def start_no_earlier(self, room: str, position: int) -> None:
        """Nobody owes what was in the room up to a position."""
        self.starts[room] = max(self.starts.get(room, position), position)

    def hand_over(self, position: int, rooms: Iterable[str]) -> None:
        """The event came for these rooms: note whether its client has to hand it over."""
        is_wanted = any(self.starts.get(room, position) < position for room in rooms)
        if is_wanted and position not in self.left_out:
            self.due.add(position)
