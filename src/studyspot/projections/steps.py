"""Steps of builds: rows, what is parked and the position of each, moved together, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from psycopg import AsyncConnection

from studyspot.projections.builds import Build
from studyspot.projections.row_changes import Part
from studyspot.projections.writing import Fragment, refusals, writing

# Rows change only where the claim is won: position and rows move together, or neither; and nobody applies
# what was parked, or parks what was let go, since they last looked.
_CLAIM = """
UPDATE read.builds AS b
SET position = given.until, event_time = coalesce(given.event_time, b.event_time),
    applied_at = clock_timestamp(), parked_revision = b.parked_revision + given.begun
FROM jsonb_to_recordset(%s::jsonb) AS given(
    name text, version integer, number integer, position bigint, parked_revision bigint,
    until bigint, event_time timestamptz, begun integer
)
WHERE (b.name, b.version, b.number) = (given.name, given.version, given.number)
    AND (b.position, b.parked_revision) = (given.position, given.parked_revision)
    AND b.superseded_at IS NULL
RETURNING b.name
"""
_WON = "SELECT name FROM claimed"


@dataclass(frozen=True, slots=True)
class Step:
    """A build's way from `position` to `until`: open while it is there, and the revision is what it was.

    `time` is that of the event at `until`, where it is known; `begins` says whether a key begins to be
    parked.
    """

    build: Build
    position: int
    parked_revision: int
    until: int
    time: datetime | None
    begins: bool
    parts: tuple[Part, ...]


async def take(connection: AsyncConnection, steps: Sequence[Step]) -> frozenset[str]:
    """Take steps of different projections, all in one transaction; return the names of those that were taken.

    The others are not where they were thought to be: a rival was first.

    Raises:
        RowsRefused: a row of one can never be written; all are where they were.
        psycopg.Error: the database is away, or refuses all of them.
    """
    claims = [
        {
            "name": step.build.name,
            "version": step.build.version,
            "number": step.build.number,
            "position": step.position,
            "parked_revision": step.parked_revision,
            "until": step.until,
            "event_time": step.time,
            "begun": int(step.begins),
        }
        for step in steps
    ]
    statement = writing(
        [part for step in steps for part in step.parts],
        claim=Fragment(_CLAIM, [orjson.dumps(claims).decode()]),
        end=Fragment(_WON),
    )
    # One statement, one round trip: a rival that waits for the positions' rows does not wait for ours.
    with refusals():
        found = await connection.execute(statement.text, statement.parameters)
    return frozenset(name for (name,) in await found.fetchall())
