"""How many bookings one has, or one's libraries have."""

from typing import LiteralString, get_args

from fastapi import APIRouter

from studyspot.domain.events import BookingStatus
from studyspot.projections.models import bookings
from studyspot.projections.queries import query
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
_OF_THEIR_LIBRARIES = _query(
    "b.library_id IN (SELECT library_id FROM {library_owners} WHERE owner_id = %(caller)s)",
    (
        "{parked} AND p.user_id = %(caller)s ORDER BY p.library_id",
        "{parked} AND p.library_id IS NULL ORDER BY p.library_id",
        """
        SELECT FROM {library_owners} AS o CROSS JOIN LATERAL (
            {parked} AND p.library_id = o.library_id ORDER BY p.user_id LIMIT 1
        ) AS p WHERE o.owner_id = %(caller)s
        """,
    ),
)


@router.get("/stats")
async def count_bookings(reader: Reads, caller: Caller) -> BookingCounts:
    """Count one's own bookings, or those in one's libraries, by their status."""
    whose = _OF_THEIR_LIBRARIES if caller.role == "library_owner" else _OWN
    reading = await reader.read(whose, caller=caller.user_id)
    counted = {row["status"]: row["number"] for row in reading.rows}
    return BookingCounts(
        total=sum(counted.values()),
        by_status={status: counted.get(status, 0) for status in _STATUSES},
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )
