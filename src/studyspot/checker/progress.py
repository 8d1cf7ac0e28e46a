"""How far a socket is, from one connection to the next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """What later connections of a socket are judged by.

    Attributes:
        complete: up to where each room of the last connection has been brought, on any connection.
        furthest: up to where any room has been brought.
        starts: from where on each room was first asked for: what is older comes again with every resume
            from before, and its client drops it.
        due: the positions that came and were to be handed over, each with the rooms that want it.
        left_out: those that newer ones stand for: if they come with a resume, their client is past them.
    """

    complete: dict[str, int] = field(default_factory=dict)
    furthest: int = 0
    starts: dict[str, int] = field(default_factory=dict)
    due: dict[int, set[str]] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)

    def start(self, rooms: Iterable[str], position: int) -> None:
        """The rooms are asked for from a position on, those that have a start already excepted."""
        for room in rooms:
            self.starts.setdefault(room, position)

    def start_no_earlier(self, room: str, position: int) -> None:
        """Nobody owes what was in the room up to a position."""
        self.starts[room] = max(self.starts.get(room, position), position)

    def go_on_with(self, rooms: Iterable[str]) -> None:
        """A connection begins with these rooms: any other begins anew when it is entered."""
        self.complete = {room: self.complete[room] for room in rooms if room in self.complete}

    def keep(self, complete: Mapping[str, int]) -> None:
        """A connection with these rooms has ended, which may have begun before what its client had."""
        self.complete = {
            room: max(reached, self.complete.get(room, reached)) for room, reached in complete.items()
        }
        self.furthest = max((self.furthest, *self.complete.values()))

    def leave(self, room: str) -> None:
        """The room is left: it may begin anywhere when it is entered again."""
        self.complete.pop(room, None)
        self.starts.pop(room, None)

    def forget(self) -> None:
        """Nothing of what was before can be told: everything begins anew."""
        self.complete.clear()
        self.starts.clear()
        self.furthest = 0

    def hand_over(self, position: int, rooms: Iterable[str]) -> None:
        """The event came for these rooms: note whether its client has to hand it over."""
        wanted = {room for room in rooms if self.starts.get(room, position) < position}
        if wanted and position not in self.left_out:
            self.due.setdefault(position, set()).update(wanted)
