"""A log in memory that reads boundaries and guards appends exactly as the event store does."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from studyspot.catalogue.tags import tags_of
from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import Event

Command = TypeVar("Command")
State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Decided:
    """What a command led to, and what that depended on: its boundary, up to position `head`."""

    events: tuple[Event, ...]
    boundary: Boundary
    head: int


class Log:
    """Events at positions 1, 2, 3 …, found again by type and tag."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        self._positions: dict[tuple[str, type[Event]], list[int]] = {}
        self.append(events)

    @property
    def head(self) -> int:
        return len(self.events)

    def append(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events.append(event)
            for tag in dict.fromkeys(tags_of(event)):
                self._positions.setdefault((tag, type(event)), []).append(self.head)

    def read(self, boundary: Boundary) -> list[Event]:
        """Return what matches, oldest first; nothing for no criteria."""
        found: set[int] = set()
        for criterion in boundary:
            found.update(self._matching(criterion))
        return [self.events[position - 1] for position in sorted(found)]

    def has_changed(self, boundary: Boundary, after: int) -> bool:
        """Say whether an append under this condition fails."""
        return any(
            positions[-1] > after
            for criterion in boundary
            for event_class in criterion.types
            if (positions := self._positions.get((criterion.tag, event_class)))
        )

    def decide(self, decider: Decider[Command, State], command: Command) -> Decided:
        """Read until the boundary, asked again with what was found, names nothing new; then decide."""
        boundary = decider.boundary(command, decider.initial())
        while True:
            state = fold(decider, self.read(boundary))
            wider = decider.boundary(command, state)
            if set(wider) <= set(boundary):
                return Decided(decider.decide(command, state), boundary, self.head)
            boundary = wider

    def decide_by_all(self, decider: Decider[Command, State], command: Command) -> tuple[Event, ...]:
        """Decide knowing all about everybody's bookings, holds and waiting, and the rest as it asks."""
        decided: list[Event] = []
        boundary = decider.boundary(command, decider.initial())
        while True:
            state = fold(decider, self._all_of_people(boundary))
            wider = decider.boundary(command, state)
            if set(wider) <= set(boundary):
                decided.extend(decider.decide(command, state))
                return tuple(decided)
            boundary = wider

    def run(self, decider: Decider[Any, Any], command: Any) -> tuple[Event, ...]:
        """Decide, and append what it leads to."""
        events = self.decide(decider, command).events
        self.append(events)
        return events

    def _matching(self, criterion: Criterion) -> Iterable[int]:
        for event_class in criterion.types:
            positions = self._positions.get((criterion.tag, event_class), [])
            yield from positions[-1:] if criterion.newest else positions

    def _all_of_people(self, boundary: Boundary) -> list[Event]:
        wanted = {id(event) for event in self.read(boundary)}
        about = ("hold:", "booking:", "waitlist-entry:")
        return [
            event
            for event in self.events
            if id(event) in wanted or any(tag.startswith(about) for tag in tags_of(event))
        ]


def fold(decider: Decider[Any, State], events: Iterable[Event]) -> State:
    state = decider.initial()
    for event in events:
        state = decider.evolve(state, event)
    return state
