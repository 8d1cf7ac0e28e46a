"""Parameters that carry a whole batch: arrays in PostgreSQL's binary format, and text array literals.

psycopg's own dumpers look at every element to choose an array type, so that one statement would be prepared
anew as positions grow, and they take about twice as long.
"""

import struct
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import TypeVar

from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

Item = TypeVar("Item")

_HEADER = struct.Struct("!iiIii")  # dimensions, has nulls, element type, length, lower bound
_EMPTY = struct.Struct("!iiI")
_LENGTH = struct.Struct("!i")


class PackedArray(list[Item]):
    """A list that is sent as an array of one element type, whatever it holds."""

    oid: int
    element_oid: int

    def packed(self) -> bytes:
        """Return the array in PostgreSQL's binary format."""
        if not self:
            return _EMPTY.pack(0, 0, self.element_oid)
        return _HEADER.pack(1, 0, self.element_oid, len(self), 1) + self._packed_items()

    @abstractmethod
    def _packed_items(self) -> bytes:
        """Return each item behind its length in bytes."""


class SmallintArray(PackedArray[int]):
    """Integers sent as `smallint[]`."""

    oid, element_oid = 1005, 21

    def _packed_items(self) -> bytes:
        return struct.pack("!" + "ih" * len(self), *chain.from_iterable(zip(repeat(2), self)))


class BigintArray(PackedArray[int]):
    """Integers sent as `bigint[]`."""

    oid, element_oid = 1016, 20

    def _packed_items(self) -> bytes:
        return struct.pack("!" + "iq" * len(self), *chain.from_iterable(zip(repeat(8), self)))


class ByteaArray(PackedArray[bytes]):
    """Byte strings sent as `bytea[]`."""

    oid, element_oid = 1001, 17

    def _packed_items(self) -> bytes:
        return _with_lengths(self)


class TextArray(PackedArray[str]):
    """Strings sent as `text[]`."""

    oid, element_oid = 1009, 25

    def _packed_items(self) -> bytes:
        return _with_lengths([item.encode() for item in self])


class _PackedArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: PackedArray[object]) -> bytes:
        return obj.packed()


class _TextArrayDumper(_PackedArrayDumper):
    oid = TextArray.oid


class _BigintArrayDumper(_PackedArrayDumper):
    oid = BigintArray.oid


class _SmallintArrayDumper(_PackedArrayDumper):
    oid = SmallintArray.oid


class _ByteaArrayDumper(_PackedArrayDumper):
    oid = ByteaArray.oid


def register_arrays(context: AdaptContext) -> None:
    """Let cursors of `context` take these arrays as parameters."""
    for array, dumper in (
        (TextArray, _TextArrayDumper),
        (BigintArray, _BigintArrayDumper),
        (SmallintArray, _SmallintArrayDumper),
        (ByteaArray, _ByteaArrayDumper),
    ):
        context.adapters.register_dumper(array, dumper)


def text_array_literal(items: Sequence[str]) -> str:
    """Return `items` as PostgreSQL writes a `text[]`, for arrays of arrays whose lengths differ."""
    if not items:
        return "{}"
    text = '","'.join(items)
    if "\\" in text or text.count('"') != 2 * (len(items) - 1):
        text = '","'.join(item.replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return f'{{"{text}"}}'


def _with_lengths(items: Iterable[bytes]) -> bytes:
    parts: list[bytes] = []
    for item in items:
        parts += (_LENGTH.pack(len(item)), item)
    return b"".join(parts)
