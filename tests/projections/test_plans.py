"""How the database finds the rows that a step changes. It decides that once, perhaps for empty tables."""

from psycopg import AsyncClientCursor

from studyspot.projections.applier import Applier
from studyspot.projections.connecting import connect
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.projections.parking import sort
from studyspot.projections.row_changes import Part
from studyspot.projections.writing import Fragment, writing, written
from tests.projections.happenings import booked, cancelled, checked_in, recorded
from tests.projections.system import Log

HAPPENED = (recorded(checked_in(booked("B1")), 1), recorded(cancelled(booked("B2")), 2))
ALL = Fragment("SELECT name FROM read.builds")


async def test_rows_are_looked_up_however_few_there_are(log: Log) -> None:
    parts: list[Part] = []
    for projection in PROJECTIONS:
        applier = await Applier.open(log.database_url, projection, "e1", log.convoy)
        await applier.close()
        taken = [one for one in HAPPENED if type(one.event) in projection.event_classes]
        parts += written(applier.build, sort(projection, taken, frozenset(), frozenset()))
    statement = writing(parts, claim=ALL, end=Fragment("SELECT name FROM claimed"))
    async with await connect(log.database_url, "planning") as connection:
        cursor = AsyncClientCursor(connection)
        await cursor.execute(b"EXPLAIN " + statement.text, statement.parameters)
        plan = [line for (line,) in await cursor.fetchall()]
    assert [line for line in plan if "Index Scan using" in line and " kept" in line]
    assert [line for line in plan if "Seq Scan" in line] == []
