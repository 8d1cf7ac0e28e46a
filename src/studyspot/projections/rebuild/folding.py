"""The rows of a projection, from nothing: its events read from the log and folded in memory."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from studyspot.event_store.scanning import Scanned, scan
from studyspot.projections.parking import Happened, Parked, key_of, passes_by, read, sort
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild.shares import KeyGlance, Share
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
    glance = KeyGlance(projection)
    with _without_collector():
        for rows in scan(database_url, projection.event_types(), after=0, until=until):
            wanted = (row for row in rows if row[0] not in dropped)
            happened = list(read_shares(projection, wanted, shares, glance))
            if note_keys:
                folded.keys.update(key_of(projection, one) for one in happened)
            sorted_out = sort(projection, happened, parked_keys, dropped)
            fold(sorted_out.changes, folded.effects)
            folded.parked += sorted_out.parked
            parked_keys |= sorted_out.keys()
            folded.events += len(happened)
            tell(len(happened))
    return folded


def read_shares(
    projection: Projection, rows: Iterable[Scanned], shares: Sequence[Share], glance: KeyGlance
) -> Iterator[Happened]:
    """Yield the events whose keys are in all of `shares`; the others are decoded only where they must be.

    Raises:
        PoisonEvent, UnknownEvent: as `fold_log`.
    """
    narrowing = [share for share in shares if share.of > 1]
    for row in rows:
        if passes_by(projection, *row[2:]):
            continue
        if narrowing and (key := glance.key_of(row)) is not None:
            if all(share.has(key) for share in narrowing):
                yield read(projection, *row)
            continue
        happened = read(projection, *row)
        if all(share.has(key_of(projection, happened)) for share in narrowing):
            yield happened


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
