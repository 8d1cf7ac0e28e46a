"""What an audit finds: each kind of difference, how often, and the first one in words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "position-missing",
    "event-outside",
    "epoch-wrong",
    "event-unknown",
    "event-unreadable",
    "tags-wrong",
    "tag-row-missing",
    "tag-row-extra",
    "stream-away",
    "stream-epoch",
    "stream-ahead",
    "message-missing",
    "message-extra",
    "message-subject",
    "message-id",
    "message-body",
]
Stage = Literal["events", "tag index", "stream"]
Progress = Callable[[Stage, int, int], None]
"""Told, while a stage of an audit is under way, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One kind of difference: how many there are, and where and what the first one is."""

    kind: Kind
    count: int
    position: int | None
    first: str


class Findings:
    """Counts differences by kind, and keeps the one that was found first."""

    def __init__(self) -> None:
        self._found: dict[Kind, Difference] = {}

    def add(self, kind: Kind, position: int | None, first: str, count: int = 1) -> None:
        known = self._found.get(kind)
        if known is not None:
            count, position, first = known.count + count, known.position, known.first
        self._found[kind] = Difference(kind, count, position, first)

    def take_over(self, differences: Iterable[Difference]) -> None:
        """Add what was found beyond all that is known already."""
        for found in differences:
            self.add(found.kind, found.position, found.first, found.count)

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(self._found.values())
