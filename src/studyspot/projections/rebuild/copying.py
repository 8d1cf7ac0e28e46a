"""Rows into the tables of a build, by COPY."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
import psycopg
from psycopg import sql

from studyspot.projections.builds import Build
from studyspot.projections.projection import PutRow, Table
from studyspot.projections.row_changes import Effects


def copy_rows(
    connection: psycopg.Connection, tables: Sequence[Table], build: Build, effects: Effects
) -> None:
    """Write the rows that the effects amount to, from nothing, into tables that do not hold them yet.

    Raises:
        psycopg.DataError, psycopg.IntegrityError: a row does not fit its table.
    """
    rows: dict[str, list[PutRow]] = {table.name: [] for table in tables}
    for effect in effects.values():
        # Of what was never put, nothing is left to change or to remove.
        if isinstance(effect, PutRow):
            rows[effect.table.name].append(effect)
    for table in tables:
        _copy(connection, table, build, (change.row for change in rows[table.name]))


def _copy(connection: psycopg.Connection, table: Table, build: Build, rows: Iterable[Any]) -> None:
    columns = tuple(table.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        build.table(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    written = [_writer(kind) for kind in table.columns.values()]
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(
                [
                    write(row[column]) if write else row[column]
                    for column, write in zip(columns, written, strict=True)
                ]
            )


def _writer(kind: str) -> Callable[[Any], Any] | None:
    return _json if kind.startswith("jsonb") else None


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
