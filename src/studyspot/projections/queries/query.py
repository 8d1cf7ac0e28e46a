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
# What is parked is a subquery that runs once, over the first event of each key: on most days over nothing.
_AT = """
SELECT min(position) AS position, min(epoch) AS epoch, (
    SELECT jsonb_agg(DISTINCT jsonb_build_array(p.name, p.key, p.library_id)) FROM read.parked AS p
    WHERE (p.name, p.version, p.number) IN ({builds}) AND p.reason IS NOT NULL AND ({parked})
) AS parked
FROM read.current JOIN read.builds USING (name, version, number)
WHERE (name, version, number) IN ({builds}) HAVING count(*) = {count}
"""
_STATEMENT = """
SELECT at.position AS at_position, at.epoch AS at_epoch, at.parked AS at_parked, found.*
FROM ({at}) AS at LEFT JOIN (SELECT true AS found, rows.* FROM ({rows}) AS rows) AS found ON true
ORDER BY {order}
"""


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """SQL over the tables of `sources`, each named in braces by its name in the description.

    `parts` are named in the same way, for what several queries share. `order` sorts by columns of `rows`.
    `parked` says of a row `p` of `read.parked`, the first of its key, whether it concerns the answer.
    """

    rows: LiteralString
    order: LiteralString
    sources: tuple[Projection, ...]
    parked: LiteralString = "true"
    parts: tuple[tuple[str, LiteralString], ...] = ()

    def statement(self, builds: Sequence[Build]) -> str:
        """Return the statement over these builds, one for each source."""
        names: dict[str, sql.Composable] = {
            table.name: build.table(table)
            for projection, build in zip(self.sources, builds, strict=True)
            for table in projection.tables
        }
        names |= {name: sql.SQL(part).format(**names) for name, part in self.parts}
        read = sql.SQL(_AT).format(
            builds=sql.SQL(", ").join(
                sql.SQL("({}, {}, {})").format(build.name, build.version, build.number) for build in builds
            ),
            count=len(builds),
            parked=sql.SQL(self.parked).format(**names),
        )
        rows = sql.SQL(self.rows).format(**names)
        return sql.SQL(_STATEMENT).format(at=read, rows=rows, order=sql.SQL(self.order)).as_string()
