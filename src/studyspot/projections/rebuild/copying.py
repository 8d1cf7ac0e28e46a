"""Rows into the tables of a build, by COPY."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
import psycopg
from psycopg import sql

from studyspot.projections.builds import Build
from studyspot.projections.projection import PutRow, Table, Values
from studyspot.projections.row_changes import Effects

_ASK_EVERY_ROWS = 1000
# A JSON array without its brackets is a line of this file.
_JSON_AS_CSV = sql.SQL("FORMAT csv, NULL 'null', QUOTE '\"', ESCAPE '\\'")


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
    statement = sql.SQL("COPY {} ({}) FROM STDIN ({})").format(
        build.table(table), sql.SQL(", ").join(map(sql.Identifier, table.columns)), _JSON_AS_CSV
    )
    line = _line_writer(table)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for first in range(0, len(rows), _ASK_EVERY_ROWS):
            go_on()
            copy.write(b"".join([line(put.row) for put in rows[first : first + _ASK_EVERY_ROWS]]))


def _line_writer(table: Table) -> Callable[[Values], bytes]:
    """Return what writes a row as its line of the file that PostgreSQL copies."""
    columns = tuple(table.columns)
    as_text = [
        (number, write)
        for number, kind in enumerate(table.columns.values())
        if (write := _writer(kind)) is not None
    ]

    def line(row: Values) -> bytes:
        values = [row[column] for column in columns]
        for number, write in as_text:
            values[number] = write(values[number])
        # One call for all of them takes a fifth of the time that one for each does.
        text = orjson.dumps(values)[1:-1]
        if b"\\" in text:  # But for quotes and backslashes, what JSON escapes is something else to CSV.
            text = b",".join(map(_csv, values))
        return text + b"\n"

    return line


def _writer(kind: str) -> Callable[[Any], str | None] | None:
    """Return what writes a value as text that PostgreSQL reads, where JSON of it would not do."""
    if kind.startswith("json"):
        return _json
    return _array if "[]" in kind else None


def _csv(value: Any) -> bytes:
    return _quoted(value).encode() if isinstance(value, str) else orjson.dumps(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _array(values: Sequence[Any] | None) -> str | None:
    return None if values is None else f"{{{','.join(_quoted(str(value)) for value in values)}}}"
