"""Which bookings a closure, a time, or a seat's end would hit: what a library looks at before it decides."""

from datetime import datetime
from typing import Annotated, Any, LiteralString

from fastapi import APIRouter, Path, Query

from studyspot.domain.refusals import ClosureUnknown, EndNotAfterStart, Refusal, SeatUnknown
from studyspot.projections.models import bookings, libraries, seats
from studyspot.projections.models.seats import SPANS_DAYS
from studyspot.projections.projection import Projection
from studyspot.projections.queries import query
from studyspot.projections.queries.booking_rows import place_of, told
from studyspot.projections.queries.managed import managed
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import Caller
from studyspot.wire.cursors import Cursor, Limit, cursor_of
from studyspot.wire.parked import withheld
from studyspot.wire.problems import INVALID, Problem
from studyspot.wire.read_bodies import BookingsFound, BookingView
from studyspot.wire.shape import Identifier, Instant

router = APIRouter(prefix="/api/libraries", tags=["libraries"])

# A selector that names nothing is no row; one that hits nothing is a row without a booking.
# A booking that was missed is over, whether or not anybody noticed.
_ROWS: LiteralString = """
    SELECT b.* FROM ({hit}) AS hit LEFT JOIN LATERAL (
        SELECT b.* FROM {bookings} AS b
        WHERE b.library_id = %(library_id)s
          AND (b.status = 'checked-in' OR b.status = 'confirmed' AND b.check_in_until > %(now)s)
          AND b.starts_at > greatest(hit.begins, %(now)s) - make_interval(days => %(span)s)
          AND b.ends_at > %(now)s
          AND (hit.begins IS NULL OR b.ends_at > hit.begins)
          AND (hit.ends IS NULL OR b.starts_at < hit.ends)
          AND (hit.seat_id IS NULL OR b.seat_id = hit.seat_id)
          AND (%(after_id)s::text IS NULL OR (b.starts_at, b.booking_id) > (%(after_start)s, %(after_id)s))
        ORDER BY b.starts_at, b.booking_id LIMIT %(limit)s
    ) AS b ON true
"""
_CLOSURE: LiteralString = """
    SELECT starts_at AS begins, ends_at AS ends, NULL AS seat_id FROM {closures}
    WHERE library_id = %(library_id)s AND closure_id = %(closure_id)s
"""
_SEAT: LiteralString = """
    SELECT NULL::timestamptz AS begins, NULL::timestamptz AS ends, seat_id FROM {seats}
    WHERE library_id = %(library_id)s AND seat_id = %(seat_id)s
"""
_TIME: LiteralString = """
    SELECT %(start)s::timestamptz AS begins, %(end)s::timestamptz AS ends, NULL AS seat_id
"""


def _query(hit: LiteralString, *sources: Projection, wholly: query.Lookups = ()) -> query.Query:
    return query.Query(
        _ROWS,
        order="found.starts_at, found.booking_id",
        # An event whose library cannot be read may be of any.
        parked=(
            "{parked} AND p.library_id = %(library_id)s ORDER BY p.user_id",
            "{parked} AND p.library_id IS NULL ORDER BY p.library_id",
        ),
        wholly=wholly,
        flags=(("is_parked", ("{parked} AND p.key = found.booking_id",)),),
        sources=sources,
        parts=(("hit", hit),),
    )


_BY_CLOSURE = _query(
    *(_CLOSURE, libraries.PROJECTION, bookings.PROJECTION), wholly=("{parked} AND p.key = %(library_id)s",)
)
_BY_SEAT = _query(
    *(_SEAT, seats.PROJECTION, bookings.PROJECTION), wholly=("{parked} AND p.key = %(seat_id)s",)
)
_BY_TIME = _query(_TIME, bookings.PROJECTION)


@router.get("/{library_id}/affected")
async def list_affected(
    reader: Reads,
    caller: Caller,
    library_id: Annotated[Identifier, Path()],
    closure_id: Annotated[Identifier | None, Query(alias="closureId")] = None,
    start: Annotated[Instant | None, Query(description="RFC 3339")] = None,
    end: Annotated[Instant | None, Query(description="RFC 3339, after start")] = None,
    seat_id: Annotated[Identifier | None, Query(alias="seatId")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> BookingsFound:
    """List the bookings still to end that a closure, a time or a seat's end hits, by their start.

    One of `closureId`, `seatId`, or `start` and `end` says which.
    """
    chosen, unknown, selected = _selected(closure_id, start, end, seat_id)
    await managed(reader, caller, library_id)
    after_start, after_id = place_of(cursor) if cursor else (None, None)
    reading = await reader.read(
        chosen,
        library_id=library_id,
        span=SPANS_DAYS[-1],
        after_start=after_start,
        after_id=after_id,
        limit=limit + 1,
        **selected,
    )
    if not reading.rows:
        raise withheld() if reading.parked_wholly else unknown
    found = [row for row in reading.rows if row["booking_id"] is not None]
    page = found[:limit]
    more = len(found) > limit
    return BookingsFound(
        rows=tuple(BookingView(**told(row), parked=row["is_parked"]) for row in page),
        next=cursor_of(page[-1]["starts_at"].isoformat(), page[-1]["booking_id"]) if more else None,
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )


def _selected(
    closure_id: str | None, start: Instant | None, end: Instant | None, seat_id: str | None
) -> tuple[query.Query, type[Refusal], dict[str, Any]]:
    """Return the query, what it means that it finds nothing, and its parameters.

    Raises:
        Problem: 422, none or several ways to select are given.
        EndNotAfterStart: the time is none.
    """
    match closure_id, start, end, seat_id:
        case str(), None, None, None:
            return _BY_CLOSURE, ClosureUnknown, {"closure_id": closure_id}
        case None, None, None, str():
            return _BY_SEAT, SeatUnknown, {"seat_id": seat_id}
        case None, datetime() as begins, datetime() as ends, None:
            if ends <= begins:
                raise EndNotAfterStart
            return _BY_TIME, SeatUnknown, {"start": begins, "end": ends}
        case _:
            raise Problem(INVALID, "Give either closureId, or seatId, or start and end.")
