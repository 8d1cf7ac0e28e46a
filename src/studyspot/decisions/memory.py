"""What decisions have read before: a long list of closures, or a busy seat's day, is not read anew each time.

The log only grows, so what matched once still matches: a decision reads what came since, in the same snapshot
as everything else, and is exactly as fresh as one that remembers nothing.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studyspot.domain.decider import Boundary, Criterion
from studyspot.domain.events import Event

WORTH_REMEMBERING = 16
"""Events. Fewer are read as fast as they are looked up."""
MOST_EVENTS = 200_000
"""Of all criteria together: some hundred MiB."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An event at its position, with its consistency tags."""

    position: int
    event: Event
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that a criterion matches up to `position`, oldest first."""

    position: int
    events: tuple[Placed, ...]


class Memory:
    """The events of the criteria that were asked last, as long as the log goes on as it began."""

    def __init__(self, most_events: int = MOST_EVENTS) -> None:
        self._most_events = most_events
        self._history: str | None = None
        self._remembered: OrderedDict[Criterion, Remembered] = OrderedDict()
        self._events = 0

    def recall(self, boundary: Boundary) -> dict[Criterion, Remembered]:
        """Return what is remembered of these criteria."""
        found = {}
        for criterion in boundary:
            known = self._remembered.get(criterion)
            if known is not None:
                self._remembered.move_to_end(criterion)
                found[criterion] = known
        return found

    def goes_on(self, history: str) -> bool:
        """Say whether what is remembered is of this history; if not, all of it is forgotten."""
        if history == self._history:
            return True
        self._history = history
        self._remembered.clear()
        self._events = 0
        return False

    def learn(
        self,
        boundary: Boundary,
        recalled: Mapping[Criterion, Remembered],
        read: Iterable[Placed],
        position: int,
    ) -> None:
        """Take in what was read beyond what was recalled, as of `position`."""
        found: dict[Criterion, list[Placed]] = {}
        # Of a setting only the newest is read: there is nothing to go on from.
        by_tag: dict[str, list[Criterion]] = {}
        for criterion in boundary:
            if not criterion.newest:
                by_tag.setdefault(criterion.tag, []).append(criterion)
        for placed in read:
            for tag in by_tag.keys() & placed.tags:
                for criterion in by_tag[tag]:
                    if isinstance(placed.event, criterion.types):
                        found.setdefault(criterion, []).append(placed)
        for criterion, more in found.items():
            before = recalled[criterion].events if criterion in recalled else ()
            if len(before) + len(more) >= WORTH_REMEMBERING:
                self._keep(criterion, Remembered(position, (*before, *_beyond(before, more))))

    def _keep(self, criterion: Criterion, known: Remembered) -> None:
        before = self._remembered.pop(criterion, None)
        if before is not None:
            # Another decision may have read further meanwhile.
            known = max(before, known, key=lambda one: one.position)
            self._events -= len(before.events)
        self._remembered[criterion] = known
        self._events += len(known.events)
        while self._events > self._most_events:
            _, dropped = self._remembered.popitem(last=False)
            self._events -= len(dropped.events)


def merged(recalled: Iterable[Remembered], read: Iterable[Placed]) -> list[Placed]:
    """Return everything once, oldest first."""
    by_position = {placed.position: placed for known in recalled for placed in known.events}
    by_position |= {placed.position: placed for placed in read}
    return [by_position[position] for position in sorted(by_position)]


def _beyond(before: tuple[Placed, ...], more: list[Placed]) -> list[Placed]:
    """Return what is new; another criterion of the same read may have brought what is known."""
    last = before[-1].position if before else 0
    return [placed for placed in more if placed.position > last]
