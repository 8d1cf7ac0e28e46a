"""Rows into the tables of a build, by COPY."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
import psycopg
from psycopg import sql

from studyspot.projections.builds import Build
from studyspot.projections.projection import PutRow, Table
from studyspot.projections.row_changes import Effects

_ASK_EVERY_ROWS = 1000


def rows_by_table(tables: Sequence[Table], effects: Effects) -> Iterator[tuple[Table, list[PutRow]]]:
    """Yield each table with the rows that the effects amount to, from nothing."""
    rows: dict[str, list[PutRow]] = {table.name: [] for table in tables}
    for effect in effects.values():
        # Of what was never put, nothing is left to change or to remove.
        if isinstance(effect, PutRow):
            rows[effect.table.name].append(effect)
    for table in tables:
        yield table, rows[table.name]


def copy_table(
    connection: psycopg.Connection,
    table: Table,
    build: Build,
    rows: Sequence[PutRow],
    go_on: Callable[[], None],
) -> None:
    """Write rows into a table that does not hold them yet.

    `go_on` is asked again and again; what it raises ends the work.

    Raises:
        psycopg.DataError, psycopg.IntegrityError: a row does not fit the table.
    """
    columns = tuple(table.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        build.table(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    writers = [_writer(kind) for kind in table.columns.values()]
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for number, put in enumerate(rows):
            if number % _ASK_EVERY_ROWS == 0:
                go_on()
            row = put.row
            copy.write_row(
                [
                    write(row[column]) if write else row[column]
                    for column, write in zip(columns, writers, strict=True)
                ]
            )


def _writer(kind: str) -> Callable[[Any], str | None] | None:
    """Return what turns a value into text, where that is needed, or faster than to leave it to the driver."""
    return next((write for name, write in _WRITERS.items() if kind.startswith(name)), None)


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _truth(value: bool | None) -> str | None:
    return None if value is None else "t" if value else "f"


_WRITERS: dict[str, Callable[[Any], str | None]] = {"jsonb": _json, "timestamptz": _time, "boolean": _truth}
