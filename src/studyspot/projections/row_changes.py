"""Many row changes as one statement: each row is written once a batch, however often it changed.

Rows travel as JSON arrays that PostgreSQL reads by the table's own row type, so a batch of any size is one
part of the statement per table and kind.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, assert_never

import orjson
from psycopg import sql

from studyspot.projections.builds import Build
from studyspot.projections.projection import PutRow, RemoveRow, RowChange, SetColumns, Table, Values

_STATEMENTS = 256
"""Kept of each kind: more than a process has tables."""

Effects = dict[tuple[str, tuple[Any, ...]], RowChange]
"""The last word on each row, by table name and key."""


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a statement: it writes `rows`, a JSON array, if its `claimed` has the name of the build."""

    text: str
    rows: str


def fold(changes: Iterable[RowChange], effects: Effects | None = None) -> Effects:
    """Return what the changes, in order, amount to for each row; add them to `effects` where it is given."""
    effects = {} if effects is None else effects
    for change in changes:
        match change:
            case PutRow(table=table, row=row):
                effects[table.name, table.key_of(row)] = change
            case SetColumns(table=table, key=key):
                place = (table.name, table.key_of(key))
                effects[place] = _then_set(effects.get(place), change)
            case RemoveRow(table=table, key=key):
                effects[table.name, table.key_of(key)] = change
            case _ as unreachable:
                assert_never(unreachable)
    return effects


def parts(effects: Effects, build: Build) -> Iterator[Part]:
    """Yield what writes these effects into the tables of one build, each row in one part only."""
    puts: dict[str, list[PutRow]] = {}
    sets: dict[tuple[str, tuple[str, ...]], list[SetColumns]] = {}
    removals: dict[str, list[RemoveRow]] = {}
    for effect in effects.values():
        match effect:
            case PutRow(table=table):
                puts.setdefault(table.name, []).append(effect)
            case SetColumns(table=table, values=values):
                sets.setdefault((table.name, tuple(sorted(values))), []).append(effect)
            case RemoveRow(table=table):
                removals.setdefault(table.name, []).append(effect)
            case _ as unreachable:
                assert_never(unreachable)
    for put in puts.values():
        table = put[0].table
        yield Part(_put(table, build), _json(change.row for change in put))
    for (_, columns), changed in sets.items():
        table = changed[0].table
        rows = ({**change.key, **change.values} for change in changed)
        yield Part(_set(table, columns, build), _json(rows))
    for removed in removals.values():
        table = removed[0].table
        yield Part(_remove(table, build), _json(change.key for change in removed))


def claimed(build: Build) -> sql.Composed:
    """Return the condition that the build is among those that the statement has claimed."""
    return sql.SQL("EXISTS (SELECT FROM claimed WHERE name = {})").format(build.name)


def _then_set(before: RowChange | None, change: SetColumns) -> RowChange:
    match before:
        case None:
            return change
        case PutRow(table=table, row=row):
            return PutRow(table, {**row, **change.values})
        case SetColumns(table=table, key=key, values=values):
            return SetColumns(table, key, {**values, **change.values})
        case RemoveRow():
            return before
        case _ as unreachable:
            assert_never(unreachable)


@lru_cache(maxsize=_STATEMENTS)
def _put(table: Table, build: Build) -> str:
    rest = [column for column in table.columns if column not in table.key]
    action = sql.SQL("UPDATE SET {}").format(_assignments(rest, "excluded")) if rest else sql.SQL("NOTHING")
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {rows} WHERE {claimed}"
        " ON CONFLICT ({key}) DO {action}"
    ).format(
        table=build.table(table),
        columns=_names(table.columns),
        rows=_rows(table, build),
        claimed=claimed(build),
        key=_names(table.key),
        action=action,
    )
    return _said(statement)


@lru_cache(maxsize=_STATEMENTS)
def _set(table: Table, columns: tuple[str, ...], build: Build) -> str:
    statement = sql.SQL(
        "UPDATE {table} AS kept SET {assignments} FROM {rows} AS given WHERE {same} AND {claimed}"
    ).format(
        table=build.table(table),
        assignments=_assignments(columns, "given"),
        rows=_rows(table, build),
        same=_same_key(table),
        claimed=claimed(build),
    )
    return _said(statement)


@lru_cache(maxsize=_STATEMENTS)
def _remove(table: Table, build: Build) -> str:
    statement = sql.SQL(
        "DELETE FROM {table} AS kept USING {rows} AS given WHERE {same} AND {claimed}"
    ).format(
        table=build.table(table), rows=_rows(table, build), same=_same_key(table), claimed=claimed(build)
    )
    return _said(statement)


def _said(statement: sql.Composed) -> str:
    """Return the statement in one piece: composing it takes longer than most batches take otherwise."""
    return statement.as_string()


def _rows(table: Table, build: Build) -> sql.Composed:
    return sql.SQL("jsonb_populate_recordset(NULL::{}, %s::jsonb)").format(build.table(table))


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _assignments(columns: Iterable[str], source: str) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Identifier(source, column))
        for column in columns
    )


def _same_key(table: Table) -> sql.Composed:
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier("kept", column), sql.Identifier("given", column))
        for column in table.key
    )


def _json(rows: Iterable[Values]) -> str:
    return orjson.dumps([dict(row) for row in rows]).decode()
