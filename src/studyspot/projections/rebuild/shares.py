"""Shares of a projection's keys: what one process folds, or what a verification samples."""

from dataclasses import dataclass
from zlib import crc32

import orjson

from studyspot.projections.projection import Projection


@dataclass(frozen=True, slots=True)
class Share:
    """One of `of` shares into which keys fall by chance; another `salt` shares them out otherwise."""

    index: int
    of: int
    salt: int = 0

    def has(self, key: str) -> bool:
        return self.of == 1 or crc32(key.encode(), self.salt) % self.of == self.index


ALL = Share(0, 1)


class KeyReader:
    """Reads the key of a stored event without decoding the event."""

    def __init__(self, projection: Projection) -> None:
        self._fields = projection.key_fields()

    def key_of(self, stored: bytes) -> str | None:
        """Return the key; none where the data is not what an event of the projection looks like."""
        try:
            data = orjson.loads(stored)["data"]
            return next((str(data[field]) for field in self._fields if field in data), None)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None
