"""Comparing the rows of two builds, each seen by its own connection: by checksums, then row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg import AsyncConnection, sql

from studyspot.projections.builds import Build
from studyspot.projections.projection import Table

RANGES = 256
"""Keys fall into so many ranges by their hash; a range that agrees is not looked at again."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row that differs: as the log says, and as it is read; none where there is no such row."""

    table: str
    key: Row
    expected: Row | None
    found: Row | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that differ; none where one of the rows is missing."""
        if self.expected is None or self.found is None:
            return ()
        # As JSON, since to Python 1 is True.
        return tuple(
            name
            for name in self.expected
            if orjson.dumps(self.expected[name]) != orjson.dumps(self.found.get(name))
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows are compared: those of `keys`, or all, but none of the keys that are `parked`."""

    keys: Sequence[str] | None
    parked: Sequence[str]

    def parameters(self) -> dict[str, Any]:
        return {
            "keys": None if self.keys is None else list(self.keys),
            "parked": list(self.parked),
            "ranges": RANGES,
        }


@dataclass(frozen=True, slots=True)
class Side:
    """One of the builds, and the connection that sees its rows as they are to be compared."""

    connection: AsyncConnection
    build: Build

    async def checksums(self, table: Table, scope: Scope) -> dict[int, tuple[int, int]]:
        """Return the number of rows of each range, and the sum of their hashes."""
        statement = sql.SQL(
            "SELECT {range}, count(*), sum(hashtextextended(t::text, 0)) FROM {table} AS t"
            " WHERE {scope} GROUP BY 1"
        ).format(range=_range(table), table=self.build.table(table), scope=_scope(table))
        found = await self.connection.execute(statement, scope.parameters())
        return {number: (count, total) for number, count, total in await found.fetchall()}

    async def rows(self, table: Table, scope: Scope, number: int) -> dict[str, tuple[str, Row]]:
        """Return the rows of a range by their key: as the text that is summed, and by column."""
        statement = sql.SQL(
            "SELECT ROW({key})::text, t::text, to_jsonb(t) FROM {table} AS t"
            " WHERE {scope} AND {range} = %(range)s"
        ).format(
            key=sql.SQL(", ").join(map(sql.Identifier, table.key)),
            table=self.build.table(table),
            scope=_scope(table),
            range=_range(table),
        )
        found = await self.connection.execute(statement, {**scope.parameters(), "range": number})
        return {key: (text, row) for key, text, row in await found.fetchall()}


async def compare(table: Table, expected: Side, found: Side, scope: Scope) -> tuple[int, Difference | None]:
    """Return how many rows were expected, and the first difference, if there is one."""
    sums, theirs = await expected.checksums(table, scope), await found.checksums(table, scope)
    count = sum(rows for rows, _ in sums.values())
    for number in sorted(sums.keys() | theirs.keys()):
        if sums.get(number) != theirs.get(number):
            rows = await expected.rows(table, scope, number), await found.rows(table, scope, number)
            if difference := _first_difference(table, *rows):
                return count, difference
    return count, None


def _first_difference(
    table: Table, expected: dict[str, tuple[str, Row]], found: dict[str, tuple[str, Row]]
) -> Difference | None:
    for key in sorted(expected.keys() | found.keys()):
        should, does = expected.get(key), found.get(key)
        if should != does:
            rows = should and should[1], does and does[1]
            row = rows[0] or rows[1] or {}
            return Difference(table.name, {column: row[column] for column in table.key}, *rows)
    return None


def _range(table: Table) -> sql.Composed:
    return sql.SQL("mod(hashtextextended({}, 0), %(ranges)s)").format(sql.Identifier(table.key[0]))


def _scope(table: Table) -> sql.Composed:
    return sql.SQL(
        "(%(keys)s::text[] IS NULL OR {key} = ANY(%(keys)s::text[])) AND {key} <> ALL(%(parked)s::text[])"
    ).format(key=sql.Identifier(table.key[0]))
