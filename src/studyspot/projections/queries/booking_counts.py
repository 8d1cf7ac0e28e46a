"""How many bookings one has, and the libraries that one runs have."""

from typing import LiteralString, get_args

from fastapi import APIRouter

from studyspot.domain.events import BookingStatus
from studyspot.projections.models import bookings
from studyspot.projections.queries import query
from studyspot.projections.queries.managed import THEIR_LIBRARIES, runs_libraries
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import Caller
from studyspot.wire.stats_bodies import BookingCounts

router = APIRouter(prefix="/api/bookings", tags=["bookings"])

_STATUSES: tuple[BookingStatus, ...] = get_args(BookingStatus)
_COUNTED: LiteralString = (
    "SELECT status, count(*) AS number FROM {bookings} AS b WHERE {whose} GROUP BY status"
)


def _query(whose: LiteralString, parked: query.Lookups) -> query.Query:
    return query.Query(
        _COUNTED, order="1", parked=parked, sources=(bookings.PROJECTION,), parts=(("whose", whose),)
    )


# An event whose ids cannot be read may be anybody's.
_OWN = _query(
    "b.user_id = %(caller)s",
    (
        "{parked} AND p.user_id = %(caller)s ORDER BY p.library_id",
        "{parked} AND p.user_id IS NULL ORDER BY p.library_id",
    ),
)
_OF_RUNNER = _query(
    f"(b.user_id = %(caller)s OR b.library_id IN ({THEIR_LIBRARIES}))",
    (
        "{parked} AND p.user_id = %(caller)s ORDER BY p.library_id",
        "{parked} AND p.library_id IS NULL ORDER BY p.library_id",
        """
        SELECT FROM {runners} AS r CROSS JOIN LATERAL (
            {parked} AND p.library_id = r.library_id ORDER BY p.user_id LIMIT 1
        ) AS p WHERE r.user_id = %(caller)s AND r.role = %(role)s
        """,
    ),
)


@router.get("/stats")
async def count_bookings(reader: Reads, caller: Caller) -> BookingCounts:
    """Count one's own bookings, and those in the libraries that one runs, by their status."""
    whose = _OF_RUNNER if runs_libraries(caller) else _OWN
    reading = await reader.read(whose, caller=caller.user_id, role=caller.role)
    counted = {row["status"]: row["number"] for row in reading.rows}
    return BookingCounts(
        total=sum(counted.values()),
        by_status={status: counted.get(status, 0) for status in _STATUSES},
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )
