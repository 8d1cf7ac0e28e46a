"""One statement that writes rows and parks events of one build: all where its claim is won, or nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, LiteralString

import orjson
from psycopg import sql

from studyspot.projections.builds import Build
from studyspot.projections.parking import WRONG_ROWS, Parked, Sorted, is_poison, said
from studyspot.projections.row_changes import fold, parts

_STATEMENT = sql.SQL("WITH claimed AS ({claim}) {parts} {end}")
_PARK = sql.SQL("""
INSERT INTO read.parked (name, version, number, position, key, library_id, user_id, reason)
SELECT {name}, {version}, {number}, position, key, library_id, user_id, reason
FROM jsonb_populate_recordset(NULL::read.parked, %s::jsonb) WHERE EXISTS (SELECT FROM claimed)
ON CONFLICT DO NOTHING
""")


class RowsRefused(Exception):
    """Rows that can never be written as they are; nothing was."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters."""

    text: sql.Composed
    parameters: list[Any]


@dataclass(frozen=True, slots=True)
class Fragment:
    """Part of a statement, with its own parameters."""

    text: LiteralString
    parameters: Sequence[Any] = ()


def writing(build: Build, sorted_events: Sorted, *, claim: Fragment, end: Fragment) -> Statement:
    """Return what writes the changes and parks the events if `claim` returns a row; `end` sees `claimed`.

    Raises:
        RowsRefused: a change is none that could be said in SQL.
    """
    try:
        written: list[tuple[sql.Composable, str]] = [
            (part.text, part.rows) for part in parts(fold(sorted_events.changes), build)
        ]
    except Exception as error:
        if not is_poison(error):
            raise
        raise RowsRefused(said(error)) from error
    if sorted_events.parked:
        written.append((_parking(build), _json(sorted_events.parked)))
    named = (
        sql.SQL(", {} AS ({})").format(sql.Identifier(f"part_{number}"), text)
        for number, (text, _) in enumerate(written)
    )
    return Statement(
        _STATEMENT.format(claim=sql.SQL(claim.text), parts=sql.SQL("").join(named), end=sql.SQL(end.text)),
        [*claim.parameters, *(rows for _, rows in written), *end.parameters],
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


def _parking(build: Build) -> sql.Composed:
    return _PARK.format(name=build.name, version=build.version, number=build.number)


def _json(parked: Sequence[Parked]) -> str:
    return orjson.dumps([asdict(one) for one in parked]).decode()
