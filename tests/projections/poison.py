"""Events that cannot be applied, made on purpose."""

from collections.abc import Collection
from dataclasses import replace

import psycopg

from studyspot.catalogue.codec import Recorded
from studyspot.event_store.types import NewEvent
from studyspot.projections.projection import Projection, PutRow, RowChange
from tests.projections.system import Log


def failing_at(projection: Projection, *positions: int) -> Projection:
    """The projection, which raises for the events at some positions."""

    def changes(recorded: Recorded) -> tuple[RowChange, ...]:
        if recorded.position in positions:
            raise ZeroDivisionError(f"planted at {recorded.position}")
        return projection.changes(recorded)

    return replace(projection, changes=changes)


def refused_at(projection: Projection, positions: Collection[int], column: str) -> Projection:
    """The projection, whose rows lack what their table asks for at some positions."""

    def changes(recorded: Recorded) -> tuple[RowChange, ...]:
        made = projection.changes(recorded)
        if recorded.position not in positions:
            return made
        return tuple(
            PutRow(change.table, {**change.row, column: None})
            if isinstance(change, PutRow) and column in change.row
            else change
            for change in made
        )

    return replace(projection, changes=changes)


async def append_raw(log: Log, event_type: str, data: bytes) -> int:
    """Append what is stored as an event and is none."""
    return (await log.store.append_async([NewEvent(event_type, data)])).position


def overwrite(log: Log, position: int, data: bytes) -> None:
    """Damage a stored event."""
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        connection.execute("UPDATE store.events SET data = %s WHERE position = %s", [data, position])
