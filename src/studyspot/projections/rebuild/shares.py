"""Shares of a projection's keys: what one process folds, and what a verification samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from zlib import crc32

from studyspot.catalogue.types import VOCABULARY
from studyspot.domain.shape import camel_case
from studyspot.projections.projection import Projection

_OCCUPATION = "occupation"


@dataclass(frozen=True, slots=True)
class Share:
    """One of `of` shares into which keys fall by chance; another `salt` gives others.

    The keys of `also` are in it whatever falls to them.
    """

    index: int
    of: int
    salt: int = 0
    also: frozenset[str] = frozenset()

    def has(self, key: str) -> bool:
        return self.has_encoded(key.encode(errors="surrogatepass"))

    def has_encoded(self, key: bytes) -> bool:
        """Say whether the key is in it, as UTF-8."""
        if crc32(key, self.salt) % self.of == self.index:
            return True
        return bool(self.also) and key.decode(errors="surrogatepass") in self.also


class KeyGlance:
    """Reads the text of a field of stored events without decoding them, where that is sure to be theirs.

    `field` is its name in JSON.
    """

    def __init__(self, field: str) -> None:
        # No text can hold this, as its quotes would have backslashes before them.
        self._beginning = f'"{field}":"'.encode()

    def key_of(self, stored: bytes) -> bytes | None:
        """Return the text, as UTF-8; none where only decoding can tell."""
        beginning = stored.find(self._beginning)
        if beginning < 0:
            return None
        beginning += len(self._beginning)
        end = stored.find(b'"', beginning)
        key = stored[beginning:end]
        # Another field of the name may be that of something within the event.
        if end < 0 or b"\\" in key or stored.find(self._beginning, end) >= 0:
            return None
        return key


def key_fields(projection: Projection) -> Mapping[str, str]:
    """Return by type which field is the key of the projection's events."""
    return {
        VOCABULARY.type_of(event_class): next(
            field for field in projection.key if field in event_class.__dataclass_fields__
        )
        for event_class in projection.event_classes
    }


def dividing_fields(projection: Projection) -> Mapping[str, str]:
    """Return by type which field says in whose share the projection's events are.

    That is the occupation where all events with a key of that kind have one: whatever happens to a hold, to
    its booking and to what is paid for it carries the same, so one process has all of it, for whichever
    projection. Otherwise it is the key.
    """
    fields = key_fields(projection)
    elsewhere = {field for type_, field in fields.items() if not _has_occupation(type_)}
    return {type_: field if field in elsewhere else _OCCUPATION for type_, field in fields.items()}


@cache
def glance_at(event_type: str, field: str) -> KeyGlance | None:
    """Return what reads the field of such events; none where earlier versions may name it otherwise."""
    if VOCABULARY.newest(VOCABULARY.class_of(event_type)).number > 1:
        return None
    return KeyGlance(camel_case(field))


def _has_occupation(event_type: str) -> bool:
    return _OCCUPATION in VOCABULARY.class_of(event_type).__dataclass_fields__
