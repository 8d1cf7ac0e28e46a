"""The rows of projections, from nothing: their events read from the log, once, and folded in memory."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from studyspot.event_store.scanning import scan
from studyspot.projections.parking import Happened, Parked, key_of, sort
from studyspot.projections.rebuild.shared_reading import SharedReading, Taker
from studyspot.projections.rebuild.shares import Share
from studyspot.projections.row_changes import Effects, fold

_AT_ONCE = 500
"""Events that are decoded before they are folded: few enough to be at hand still."""


@dataclass(slots=True)
class Folded:
    """What some events amount to, and which of them are parked; `keys` are theirs, where they are noted."""

    effects: Effects = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    events: int = 0


def fold_log(
    database_url: str,
    takers: Sequence[Taker],
    *,
    share: Share,
    tell: Callable[[Sequence[int]], None],
    sample: Share | None = None,
) -> tuple[Folded, ...]:
    """Return for each taker what the events of its share amount to; of a `sample`, note their keys.

    `tell` hears after each stretch of the log how many events each has taken so far; what it raises ends
    the work.

    Raises:
        StoreUnavailable: the database did not answer in time.
        PoisonEvent: an event cannot even be assigned to a key.
        UnknownEvent: an event is of a later release.
    """
    reading = SharedReading(takers, share, sample)
    foldings = tuple(_Folding(taker, note_keys=sample is not None) for taker in takers)
    with _without_collector():
        for rows in scan(database_url, reading.types, after=0, until=max(taker.until for taker in takers)):
            for first in range(0, len(rows), _AT_ONCE):
                happened = reading.read(rows[first : first + _AT_ONCE])
                for folding, events in zip(foldings, happened, strict=True):
                    folding.add(events)
            tell([folding.folded.events for folding in foldings])
    return tuple(folding.folded for folding in foldings)


class _Folding:
    """Folds what happens for one taker, oldest first."""

    def __init__(self, taker: Taker, *, note_keys: bool) -> None:
        self.folded = Folded()
        self._projection = taker.projection
        self._dropped = taker.dropped
        self._note_keys = note_keys
        self._parked_keys: set[str] = set()

    def add(self, events: Sequence[Happened]) -> None:
        if self._note_keys:
            self.folded.keys.update(key_of(self._projection, one) for one in events)
        sorted_out = sort(self._projection, events, self._parked_keys, self._dropped)
        fold(sorted_out.changes, self.folded.effects)
        self.folded.parked += sorted_out.parked
        self._parked_keys |= sorted_out.keys()
        self.folded.events += len(events)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Rows make no cycles, and looking for some among millions takes longer than all the rest."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
