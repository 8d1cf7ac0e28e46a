"""Who of some people has or had a booking in a library: whom those who run it may write to."""

import asyncio
from collections.abc import Collection

from studyspot.event_store.store import EventStore
from studyspot.projections.models import bookings
from studyspot.projections.queries.query import Query
from studyspot.projections.queries.reading import Queries

_STUDENTS = Query(
    """
    SELECT asked.user_id FROM unnest(%(user_ids)s::text[]) AS asked(user_id)
    WHERE EXISTS (
        SELECT FROM {bookings} AS b WHERE b.user_id = asked.user_id AND b.library_id = %(library_id)s
    )
    """,
    order="1",
    parked=(),
    sources=(bookings.PROJECTION,),
)


class StudentsOf:
    """Asks the read model of bookings; one that is behind is waited for before anybody is missed."""

    def __init__(self, queries: Queries, store: EventStore) -> None:
        self._queries = queries
        self._store = store

    async def students_of(self, library_id: str, user_ids: Collection[str]) -> frozenset[str]:
        """Return those who have or had a booking there.

        Raises:
            Problem, psycopg.OperationalError, PoolTimeout, StoreUnavailable: as `Queries.read`.
        """
        found = await self._read(library_id, user_ids, None)
        if found.issuperset(user_ids):
            return found
        head = await asyncio.to_thread(self._store.head)
        return await self._read(library_id, user_ids, head.position)

    async def _read(
        self, library_id: str, user_ids: Collection[str], min_position: int | None
    ) -> frozenset[str]:
        asked = {"library_id": library_id, "user_ids": list(user_ids), "now": self._queries.clock()}
        reading = await self._queries.read(_STUDENTS, asked, min_position)
        return frozenset(row["user_id"] for row in reading.rows)
