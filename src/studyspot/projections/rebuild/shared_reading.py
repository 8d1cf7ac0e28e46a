"""Reading the log for several projections at once: each event is decoded once, whoever takes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from studyspot.catalogue.codec import Recorded, UnreadableEvent
from studyspot.event_store.scanning import Scanned
from studyspot.projections.parking import Happened, key_of, passes_by, recorded, unreadable
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild.shares import (
    KeyGlance,
    Share,
    dividing_fields,
    glance_at,
    key_fields,
)


@dataclass(frozen=True, slots=True)
class Taker:
    """A projection, the position up to which it takes events, and those that it leaves out."""

    projection: Projection
    until: int
    dropped: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Divided:
    """Events of one type, and the places of those takers for whom `field` says in whose share they are."""

    field: str
    glance: KeyGlance | None
    places: tuple[int, ...]


class SharedReading:
    """Hands to each taker the events of its share; of a `sample`, only those whose keys are in it as well."""

    def __init__(self, takers: Sequence[Taker], share: Share, sample: Share | None = None) -> None:
        self._takers = tuple(takers)
        self._share = share
        self._sample = sample
        self._key_fields = tuple(key_fields(taker.projection) for taker in takers)
        self._divided = _divided(takers)

    @property
    def types(self) -> frozenset[str]:
        """The stored types of the events that any of them takes."""
        return frozenset(self._divided)

    def read(self, rows: Iterable[Scanned]) -> tuple[list[Happened], ...]:
        """Return for each taker, in their order, what the rows hold for it; the others' are not decoded.

        Raises:
            PoisonEvent: an event cannot even be assigned to a key.
            UnknownEvent: an event is of a later release.
        """
        happened: tuple[list[Happened], ...] = tuple([] for _ in self._takers)
        narrow, in_share = self._share.of > 1, self._share.has_encoded
        for row in rows:
            decoded: Recorded | UnreadableEvent | None = None
            for divided in self._divided[row[2]]:
                by = divided.glance.key_of(row[3]) if narrow and divided.glance is not None else None
                if by is not None and not in_share(by):
                    continue
                for place in divided.places:
                    if self._leaves_out(place, row, decoded):
                        continue
                    if decoded is None:
                        decoded = _decoded(row)
                    one = self._told(place, row, decoded)
                    if by is None and narrow and not self._is_in_share(divided.field, place, row[2], one):
                        continue
                    if self._samples(place, one):
                        happened[place].append(one)
        return happened

    def _leaves_out(self, place: int, row: Scanned, decoded: Recorded | UnreadableEvent | None) -> bool:
        """Say whether the taker at the place need not be told of the row, as far as that is known unread."""
        taker, (position, _, event_type, stored) = self._takers[place], row
        if position > taker.until or position in taker.dropped:
            return True
        if isinstance(decoded, Recorded):  # That it changes nothing is then found sooner from the event.
            return False
        if self._sample is not None:
            glance = glance_at(event_type, self._key_fields[place][event_type])
            key = glance.key_of(stored) if glance is not None else None
            if key is not None and not self._sample.has_encoded(key):
                return True
        return passes_by(taker.projection, event_type, stored)

    def _told(self, place: int, row: Scanned, decoded: Recorded | UnreadableEvent) -> Happened:
        if isinstance(decoded, Recorded):
            return decoded
        position, _, event_type, stored = row
        return unreadable(self._takers[place].projection, position, event_type, stored, decoded)

    def _is_in_share(self, field: str, place: int, event_type: str, one: Happened) -> bool:
        if isinstance(one, Recorded):
            return self._share.has(str(getattr(one.event, field)))
        if field == self._key_fields[place][event_type]:
            return self._share.has(one.key)
        return True  # All it does is to park its key, wherever the rest of that is.

    def _samples(self, place: int, one: Happened) -> bool:
        return self._sample is None or self._sample.has(key_of(self._takers[place].projection, one))


def _divided(takers: Sequence[Taker]) -> Mapping[str, tuple[_Divided, ...]]:
    """Return by type how its events are divided, for all that take them."""
    places: dict[tuple[str, str], tuple[int, ...]] = {}
    for place, taker in enumerate(takers):
        for type_, field in dividing_fields(taker.projection).items():
            places[type_, field] = (*places.get((type_, field), ()), place)
    divided: dict[str, tuple[_Divided, ...]] = {}
    for (type_, field), of_field in places.items():
        one = _Divided(field, glance_at(type_, field), of_field)
        divided[type_] = (*divided.get(type_, ()), one)
    return divided


def _decoded(row: Scanned) -> Recorded | UnreadableEvent:
    try:
        return recorded(*row)
    except UnreadableEvent as error:
        return error
