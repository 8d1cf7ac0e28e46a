"""Shares of a projection's keys: what one process folds, and what a verification samples."""

from dataclasses import dataclass
from zlib import crc32

import orjson

from studyspot.catalogue.types import VOCABULARY
from studyspot.domain.shape import camel_case
from studyspot.event_store.scanning import Scanned
from studyspot.projections.projection import Projection


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
        if self.of == 1 or key in self.also:
            return True
        return crc32(key.encode(errors="surrogatepass"), self.salt) % self.of == self.index


class KeyGlance:
    """Reads the key of a stored event without decoding it, where that is sure to be the event's own."""

    def __init__(self, projection: Projection) -> None:
        self._fields = {
            VOCABULARY.type_of(event_class): camel_case(
                next(field for field in projection.key if field in event_class.__dataclass_fields__)
            )
            for event_class in projection.event_classes
            # An earlier version may name its fields otherwise.
            if VOCABULARY.newest(event_class).number == 1
        }

    def key_of(self, row: Scanned) -> str | None:
        """Return the key; none where only decoding can tell."""
        _, _, event_type, stored = row
        try:
            key = orjson.loads(stored)["data"][self._fields[event_type]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None
        return key if isinstance(key, str) else None
