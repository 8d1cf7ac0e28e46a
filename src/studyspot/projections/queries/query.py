"""A query over read models: its rows, the position that they reflect, and what is parked, from one statement.

Two statements could see old rows and a newer position: a client that joins a room from there would miss an
event for ever. And one could see rows without a change and no longer see that it is parked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from studyspot.projections.builds import Build
from studyspot.projections.projection import Projection

# No row at all where one of the builds is no longer the one to be read; the lowest position of several.
_AT = """
SELECT min(position) AS position, min(epoch) AS epoch, {parked} AS parked, {wholly} AS parked_wholly
FROM read.current JOIN read.builds USING (name, version, number)
WHERE (name, version, number) IN ({builds}) HAVING count(*) = {count}
"""
# Where nothing parked concerns the answer, none of its rows is looked up.
_STATEMENT = """
SELECT at.position AS at_position, at.epoch AS at_epoch, at.parked AS at_parked,
    at.parked_wholly AS at_parked_wholly, found.* {flags}
FROM ({at}) AS at LEFT JOIN (SELECT true AS found, rows.* FROM ({rows}) AS rows) AS found ON true
ORDER BY {order}
"""
_FLAG = ", at.parked AND {parked} AS {column}"
_PARKED = "SELECT FROM read.parked AS p WHERE (p.name, p.version, p.number) = ({name}, {version}, {number})"
# OFFSET 0 keeps the planner from reading all that is parked at once instead of looking one thing up.
_EXISTS = "EXISTS ({lookup} OFFSET 0)"

Lookups = tuple[LiteralString, ...]
"""SQL that begins with `{parked}`, which selects from what is parked, `p`, of one build.

An index of `read.parked` answers each in a step or two, where its order is asked for: else the planner may
read all of the table for the first of many rows. Conditions joined by OR are several lookups.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """SQL over the tables of `sources`, each named in braces by its name in the description.

    `parts` are named in the same way, for what several queries share; each may name those before it. `order`
    sorts by columns of `rows`. Something parked concerns the answer where any of `parked` finds it, the
    answer as a whole where any of `wholly` does, in the first source alone, and a row, `found`, where any of
    the lookups of a column of `flags` does.
    """

    rows: LiteralString
    order: LiteralString
    sources: tuple[Projection, ...]
    parked: Lookups = ("{parked} ORDER BY p.library_id",)
    wholly: Lookups = ()
    flags: tuple[tuple[str, Lookups], ...] = ()
    parts: tuple[tuple[str, LiteralString], ...] = ()

    def statement(self, builds: Sequence[Build]) -> str:
        """Return the statement over these builds, one for each source."""
        names: dict[str, sql.Composable] = {
            table.name: build.table(table)
            for projection, build in zip(self.sources, builds, strict=True)
            for table in projection.tables
        }
        for name, part in self.parts:
            names[name] = sql.SQL(part).format(**names)
        read = sql.SQL(_AT).format(
            builds=sql.SQL(", ").join(
                sql.SQL("({}, {}, {})").format(build.name, build.version, build.number) for build in builds
            ),
            count=len(builds),
            parked=_any(self.parked, builds, names),
            wholly=_any(self.wholly, builds[:1], names),
        )
        flags = (
            sql.SQL(_FLAG).format(parked=_any(lookups, builds, names), column=sql.Identifier(column))
            for column, lookups in self.flags
        )
        return (
            sql.SQL(_STATEMENT)
            .format(
                at=read,
                rows=sql.SQL(self.rows).format(**names),
                flags=sql.SQL("").join(flags),
                order=sql.SQL(self.order),
            )
            .as_string()
        )


def _any(lookups: Lookups, builds: Sequence[Build], names: dict[str, sql.Composable]) -> sql.Composable:
    found = [
        sql.SQL(_EXISTS).format(lookup=sql.SQL(lookup).format(**names, parked=_parked(build)))
        for build in builds
        for lookup in lookups
    ]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(found)) if found else sql.SQL("false")


def _parked(build: Build) -> sql.Composed:
    return sql.SQL(_PARKED).format(name=build.name, version=build.version, number=build.number)
