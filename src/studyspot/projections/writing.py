"""One statement that writes rows and parks events: for each build all where its claim is won, or nothing."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, LiteralString

import orjson
from psycopg import sql

from studyspot.projections.builds import Build
from studyspot.projections.parking import WRONG_ROWS, Parked, Sorted, is_poison, said
from studyspot.projections.row_changes import Part, claimed, fold, parts

_STATEMENTS = 512
"""Kept: more than there are combinations of what happens together."""

_PARK = sql.SQL("""
INSERT INTO read.parked (name, version, number, position, key, library_id, user_id, reason)
SELECT {name}, {version}, {number}, position, key, library_id, user_id, reason
FROM jsonb_populate_recordset(NULL::read.parked, %s::jsonb) WHERE {claimed}
ON CONFLICT DO NOTHING
""")


class RowsRefused(Exception):
    """Rows that can never be written as they are; nothing was."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters."""

    text: bytes
    parameters: list[Any]


@dataclass(frozen=True, slots=True)
class Fragment:
    """Part of a statement, with its own parameters."""

    text: LiteralString
    parameters: Sequence[Any] = ()


def written(build: Build, sorted_events: Sorted) -> tuple[Part, ...]:
    """Return what writes the changes and parks the events of a build.

    Raises:
        RowsRefused: a change is none that could be said in SQL.
    """
    try:
        found = list(parts(fold(sorted_events.changes), build))
    except Exception as error:
        if not is_poison(error):
            raise
        raise RowsRefused(said(error)) from error
    if sorted_events.parked:
        found.append(Part(_parking(build), _json(sorted_events.parked)))
    return tuple(found)


def writing(all_parts: Iterable[Part], *, claim: Fragment, end: Fragment) -> Statement:
    """Return what writes the parts whose builds `claim` names, a row for each; `end` sees `claimed`."""
    given = tuple(all_parts)
    return Statement(
        _text(claim.text, tuple(part.text for part in given), end.text),
        [*claim.parameters, *(part.rows for part in given), *end.parameters],
    )


@contextmanager
def refusals() -> Iterator[None]:
    """Tell what the database finds wrong with rows from what is wrong with the database.

    Raises:
        RowsRefused: the same rows would be refused again.
    """
    try:
        yield
    except WRONG_ROWS as error:
        raise RowsRefused(said(error)) from error


@lru_cache(maxsize=_STATEMENTS)
def _text(claim: str, texts: tuple[str, ...], end: str) -> bytes:
    named = [f"claimed AS ({claim})", *(f"part_{number} AS ({text})" for number, text in enumerate(texts))]
    return f"WITH {', '.join(named)} {end}".encode()


@lru_cache(maxsize=_STATEMENTS)
def _parking(build: Build) -> str:
    return _PARK.format(
        name=build.name, version=build.version, number=build.number, claimed=claimed(build)
    ).as_string()


def _json(parked: Sequence[Parked]) -> str:
    return orjson.dumps([asdict(one) for one in parked]).decode()
