"""What a command asks for beyond its own rules: that something is still as its caller read it."""

from collections.abc import Sequence
from dataclasses import dataclass

from studyspot.catalogue.types import type_of
from studyspot.domain.events import Event
from studyspot.event_store.types import Criterion


class ChangedSince(Exception):
    """What the caller read has changed since; `position` is the log's end by which that was found."""

    def __init__(self, position: int) -> None:
        super().__init__(f"changed before {position}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing that matches `criteria` has happened after `position`, in the history `epoch`.

    Without a position, nothing that the caller read can be meant.
    """

    criteria: tuple[Criterion, ...]
    epoch: str | None
    position: int | None


def about(event_classes: Sequence[type[Event]], tag: str) -> tuple[Criterion, ...]:
    """Return what matches the events of these classes under a tag."""
    return (Criterion(tuple(type_of(event_class) for event_class in event_classes), (tag,)),)
