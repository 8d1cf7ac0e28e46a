"""Reading single events by their positions, over a connection of the caller's."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from studyspot.event_store.types import StoredEvent

_AT = """
SELECT position, epoch, type, data, tags FROM store.events WHERE position = ANY(%s) ORDER BY position
"""


def events_at(connection: Connection[Any], positions: Sequence[int]) -> tuple[StoredEvent, ...]:
    """Return the events at these positions, oldest first; beyond the head there are none.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_AT, [list(positions)]).fetchall()
    return tuple(
        StoredEvent(position, epoch, kind, data, tuple(tags)) for position, epoch, kind, data, tags in rows
    )
