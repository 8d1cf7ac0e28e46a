"""Parameters that carry a whole batch: arrays in PostgreSQL's binary format, and text array literals."""

import struct
from collections.abc import Sequence
from itertools import chain, repeat

from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEADER = struct.Struct("!iiIii")  # dimensions, has nulls, element type, length, lower bound


class SmallintArray(list[int]):
    """Integers sent as `smallint[]`, whatever their size or number."""


class BigintArray(list[int]):
    """Integers sent as `bigint[]`, whatever their size or number."""


class _SmallintArrayDumper(Dumper):
    format = Format.BINARY
    oid = 1005

    def dump(self, obj: list[int]) -> bytes:
        return _packed(obj, element_type=21, element_bytes=2, code="h")


class _BigintArrayDumper(Dumper):
    format = Format.BINARY
    oid = 1016

    def dump(self, obj: list[int]) -> bytes:
        return _packed(obj, element_type=20, element_bytes=8, code="q")


def register_arrays(context: AdaptContext) -> None:
    """Let connections of `context` take these arrays as parameters."""
    # psycopg picks smallint[], integer[] or bigint[] by the largest value, so one statement would be
    # prepared anew as positions grow; it also takes twice as long.
    context.adapters.register_dumper(SmallintArray, _SmallintArrayDumper)
    context.adapters.register_dumper(BigintArray, _BigintArrayDumper)


def text_array_literal(items: Sequence[str]) -> str:
    """Return `items` as PostgreSQL writes a `text[]`, for arrays of arrays whose lengths differ."""
    if not items:
        return "{}"
    text = '","'.join(items)
    if "\\" in text or text.count('"') != 2 * (len(items) - 1):
        text = '","'.join(item.replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return f'{{"{text}"}}'


def _packed(values: list[int], *, element_type: int, element_bytes: int, code: str) -> bytes:
    if not values:
        return _HEADER.pack(0, 0, element_type, 0, 0)[:12]
    body = struct.pack(
        "!" + f"i{code}" * len(values), *chain.from_iterable(zip(repeat(element_bytes), values))
    )
    return _HEADER.pack(1, 0, element_type, len(values), 1) + body
