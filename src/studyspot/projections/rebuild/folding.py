"""The rows of a projection, from nothing: its events read from the log and folded in memory."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from studyspot.event_store.scanning import Share, scan
from studyspot.projections.parking import Parked, key_of, read, sort
from studyspot.projections.projection import Projection
from studyspot.projections.row_changes import Effects, fold


@dataclass(slots=True)
class Folded:
    """What some events amount to, and which of them are parked; `keys` are theirs, where they are noted."""

    effects: Effects = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    events: int = 0


def fold_log(
    database_url: str,
    projection: Projection,
    *,
    until: int,
    shares: Sequence[Share],
    dropped: frozenset[int],
    tell: Callable[[int], None],
    note_keys: bool = False,
) -> Folded:
    """Return what the events up to `until` amount to, of the keys that are in all of `shares`.

    `tell` hears after each stretch of the log how many of these events it held; what it raises ends the work.

    Raises:
        StoreUnavailable: the database did not answer in time.
        PoisonEvent: an event cannot even be assigned to a key.
        UnknownEvent: an event is of a later release.
    """
    folded = Folded()
    parked_keys: set[str] = set()
    with _without_collector():
        for rows in scan(database_url, projection.event_types(), after=0, until=until, shares=shares):
            happened = [read(projection, *row) for row in rows if row[0] not in dropped]
            if note_keys:
                folded.keys.update(key_of(projection, one) for one in happened)
            sorted_out = sort(projection, happened, parked_keys, dropped)
            fold(sorted_out.changes, folded.effects)
            folded.parked += sorted_out.parked
            parked_keys |= sorted_out.keys()
            folded.events += len(rows)
            tell(len(rows))
    return folded


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
