"""Which commands of one batch could defeat each other.

Positions follow the order within the batch, so a command loses to an earlier one whose events match its
condition, but only if the earlier one wins, which the database decides. So a batch carries the events only of
commands that no other in it could defeat. The rest bring their conditions along, and once the outcome is
known they either have lost too or go first in the next batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from studyspot.event_store.commands import Command
from studyspot.event_store.types import Criterion, NewEvent


@dataclass(frozen=True, slots=True)
class Rivals:
    """The earlier commands of a batch, by index, that could defeat a command, or answer it as its twin."""

    blockers: frozenset[int]
    twin: int | None


def contended(commands: Sequence[Command]) -> dict[int, Rivals]:
    """Return the rivals of each command, by index, that an earlier one of `commands` could defeat."""
    carried = _Carried()
    found: dict[int, Rivals] = {}
    for index, command in enumerate(commands):
        rivals = carried.rivals_of(command)
        if rivals.blockers or rivals.twin is not None:
            found[index] = rivals
        else:
            carried.add(index, command)
    return found


class _Carried:
    """The events and keys that the batch carries so far."""

    def __init__(self) -> None:
        self._by_tag: dict[str, dict[str, list[tuple[int, NewEvent]]]] = {}
        self._by_type: dict[str, list[tuple[int, NewEvent]]] = {}
        self._twins: dict[tuple[str, str], int] = {}

    def add(self, index: int, command: Command) -> None:
        for event in command.events:
            entry = (index, event)
            self._by_type.setdefault(event.type, []).append(entry)
            for tag in event.tags:
                self._by_tag.setdefault(tag, {}).setdefault(event.type, []).append(entry)
        if command.key:
            self._twins[(command.key.actor, command.key.key)] = index

    def rivals_of(self, command: Command) -> Rivals:
        blockers: frozenset[int] = frozenset()
        if command.condition and self._by_type:
            criteria = command.condition.criteria or (Criterion(),)
            blockers = frozenset(index for criterion in criteria for index in self._matching(criterion))
        twin = self._twins.get((command.key.actor, command.key.key)) if command.key else None
        return Rivals(blockers, twin)

    def _matching(self, criterion: Criterion) -> Iterator[int]:
        by_type = self._by_tag.get(criterion.tags[0], {}) if criterion.tags else self._by_type
        for event_type, entries in by_type.items():
            if criterion.types and event_type not in criterion.types:
                continue
            for index, event in entries:
                if len(criterion.tags) < 2 or set(criterion.tags) <= set(event.tags):
                    yield index
