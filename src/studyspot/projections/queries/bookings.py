"""Bookings, for their students and for who runs their libraries; to all others they do not exist.

Whoever runs libraries may sit in one as well: their own bookings are theirs, whatever their role is.
"""

from typing import Annotated, LiteralString

from fastapi import APIRouter, Path, Query, Response

from studyspot.domain.events import BookingStatus
from studyspot.domain.refusals import BookingUnknown
from studyspot.projections.models import bookings
from studyspot.projections.queries import query
from studyspot.projections.queries.booking_rows import LEDGER, place_of, told
from studyspot.projections.queries.managed import THEIR_LIBRARIES, runs_libraries
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import Caller
from studyspot.wire.cursors import Cursor, Limit, cursor_of
from studyspot.wire.etags import NOT_MODIFIED, IfNoneMatch, of_position, unchanged
from studyspot.wire.parked import withheld
from studyspot.wire.read_bodies import BookingFound, BookingsFound, BookingView, LedgerEntry
from studyspot.wire.shape import Identifier, Instant

router = APIRouter(prefix="/api/bookings", tags=["bookings"])

_OWN: LiteralString = "b.user_id = %(caller)s"
_OF_THEIR_LIBRARIES: LiteralString = f"b.library_id IN ({THEIR_LIBRARIES})"
_OWN_OR_OF_THEIR_LIBRARIES: LiteralString = f"({_OWN} OR {_OF_THEIR_LIBRARIES})"
_LISTED: LiteralString = """
      AND (%(library_id)s::text IS NULL OR b.library_id = %(library_id)s)
      AND (%(user_id)s::text IS NULL OR b.user_id = %(user_id)s)
      AND (%(status)s::text IS NULL OR b.status = %(status)s)
      AND (%(series_id)s::text IS NULL
          OR b.booking_id IN (SELECT booking_id FROM {series} WHERE series_id = %(series_id)s))
      AND (%(from)s::timestamptz IS NULL OR b.ends_at > %(from)s)
      AND (%(to)s::timestamptz IS NULL OR b.starts_at < %(to)s)
      AND (%(before_id)s::text IS NULL OR (b.starts_at, b.booking_id) < (%(before_start)s, %(before_id)s))
    ORDER BY b.starts_at DESC, b.booking_id DESC LIMIT %(limit)s
"""

# An event whose ids cannot be read may be anybody's. One that is parked under its library's id is none of a
# booking: without it, who it concerns (its `user_id`) is not known to run the library, or no more.
_OF_A_BOOKING: LiteralString = "{parked} AND p.key IS DISTINCT FROM p.library_id"
_OF_A_LIBRARY: LiteralString = "{parked} AND p.key = p.library_id"
_IN_THEIR_LIBRARIES: LiteralString = """
    SELECT FROM {runners} AS r CROSS JOIN LATERAL (
        {parked} AND p.library_id = r.library_id AND p.key <> r.library_id AND narrowed
        ORDER BY p.user_id LIMIT 1
    ) AS p WHERE r.user_id = %(caller)s AND r.role = %(role)s
"""
_LIBRARY_LISTED: LiteralString = "(%(library_id)s::text IS NULL OR p.library_id = %(library_id)s)"
# A list is narrowed to one or to none, and what names none may be of any.
_LIBRARIES_LISTED: query.Lookups = (
    "%(library_id)s::text IS NULL",
    "p.library_id = %(library_id)s",
    "p.library_id IS NULL",
)
_USERS_LISTED: query.Lookups = (
    "%(user_id)s::text IS NULL",
    "p.user_id = %(user_id)s",
    "p.user_id IS NULL",
)

_PARKED_OWN_LISTED: query.Lookups = tuple(
    f"{_OF_A_BOOKING} AND {whose} AND {listed} ORDER BY p.user_id, p.library_id"
    for whose in (
        "p.user_id IS NULL",
        "p.user_id = %(caller)s AND coalesce(%(user_id)s, %(caller)s) = %(caller)s",
    )
    for listed in _LIBRARIES_LISTED
)
_PARKED_OF_THEIR_LIBRARIES_LISTED: query.Lookups = (
    f"{_OF_A_LIBRARY} AND p.user_id IS NULL AND {_LIBRARY_LISTED}",
    f"{_OF_A_LIBRARY} AND p.user_id = %(caller)s AND {_LIBRARY_LISTED}",
    *(
        f"{_OF_A_BOOKING} AND p.library_id IS NULL AND {listed} ORDER BY p.library_id, p.user_id"
        for listed in _USERS_LISTED
    ),
    *(_IN_THEIR_LIBRARIES.replace("narrowed", f"{_LIBRARY_LISTED} AND {listed}") for listed in _USERS_LISTED),
)
_PARKED_OWN_ONE: query.Lookups = (
    f"{_OF_A_BOOKING} AND p.key = %(booking_id)s AND coalesce(p.user_id, %(caller)s) = %(caller)s",
)
_PARKED_OF_THEIR_LIBRARIES_ONE: query.Lookups = (
    f"{_OF_A_LIBRARY} AND p.user_id IS NULL",
    f"{_OF_A_LIBRARY} AND p.user_id = %(caller)s",
    f"{_OF_A_BOOKING} AND p.key = %(booking_id)s AND p.library_id IS NULL",
    _IN_THEIR_LIBRARIES.replace("narrowed", "p.key = %(booking_id)s"),
)


_LIST: LiteralString = "SELECT b.* FROM {bookings} AS b WHERE {visible} {listed}"
# Each half stops at a page's length, which it would not where either is asked for by OR.
_BOTH_LISTS: LiteralString = """
    SELECT * FROM (
        (SELECT b.* FROM {bookings} AS b WHERE {own} {listed})
        UNION (SELECT b.* FROM {bookings} AS b WHERE {theirs} {listed})
    ) AS b ORDER BY b.starts_at DESC, b.booking_id DESC LIMIT %(limit)s
"""
_ONE: LiteralString = (
    "SELECT b.*, {ledger_of} FROM {bookings} AS b WHERE {visible} AND b.booking_id = %(booking_id)s"
)


def _query(rows: LiteralString, parked: query.Lookups, **parts: LiteralString) -> query.Query:
    return query.Query(
        rows,
        order="found.starts_at DESC, found.booking_id DESC",
        parked=parked,
        flags=(("is_parked", ("{parked} AND p.key = found.booking_id",)),),
        sources=(bookings.PROJECTION,),
        parts=tuple(parts.items()),
    )


_LIST_OWN = _query(_LIST, _PARKED_OWN_LISTED, visible=_OWN, listed=_LISTED)
_LIST_OF_RUNNER = _query(
    _BOTH_LISTS,
    _PARKED_OWN_LISTED + _PARKED_OF_THEIR_LIBRARIES_LISTED,
    own=_OWN,
    theirs=_OF_THEIR_LIBRARIES,
    listed=_LISTED,
)
_ONE_OWN = _query(_ONE, _PARKED_OWN_ONE, visible=_OWN, ledger_of=LEDGER)
_ONE_OF_RUNNER = _query(
    _ONE,
    _PARKED_OWN_ONE + _PARKED_OF_THEIR_LIBRARIES_ONE,
    visible=_OWN_OR_OF_THEIR_LIBRARIES,
    ledger_of=LEDGER,
)


@router.get("")
async def list_bookings(
    reader: Reads,
    caller: Caller,
    library_id: Annotated[Identifier | None, Query(alias="libraryId")] = None,
    user_id: Annotated[Identifier | None, Query(alias="userId")] = None,
    series_id: Annotated[Identifier | None, Query(alias="seriesId")] = None,
    status: BookingStatus | None = None,
    overlaps_from: Annotated[Instant | None, Query(alias="from", description="what ends after")] = None,
    overlaps_to: Annotated[Instant | None, Query(alias="to", description="what starts before")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> BookingsFound:
    """List one's own bookings, and those in the libraries that one runs; those that start last come first."""
    before_start, before_id = place_of(cursor) if cursor else (None, None)
    reading = await reader.read(
        _LIST_OF_RUNNER if runs_libraries(caller) else _LIST_OWN,
        caller=caller.user_id,
        role=caller.role,
        library_id=library_id,
        user_id=user_id,
        series_id=series_id,
        status=status,
        to=overlaps_to,
        before_start=before_start,
        before_id=before_id,
        limit=limit + 1,
        **{"from": overlaps_from},
    )
    page = reading.rows[:limit]
    more = len(reading.rows) > limit
    return BookingsFound(
        rows=tuple(BookingView(**told(row), parked=row["is_parked"]) for row in page),
        next=cursor_of(page[-1]["starts_at"].isoformat(), page[-1]["booking_id"]) if more else None,
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )


@router.get("/{booking_id}", responses=NOT_MODIFIED)
async def read_booking(
    reader: Reads,
    caller: Caller,
    response: Response,
    booking_id: Annotated[Identifier, Path()],
    if_none_match: IfNoneMatch = None,
) -> BookingFound:
    """Read one booking, as its student or as who runs its library."""
    reading = await reader.read(
        _ONE_OF_RUNNER if runs_libraries(caller) else _ONE_OWN,
        caller=caller.user_id,
        role=caller.role,
        booking_id=booking_id,
    )
    if not reading.rows:
        raise withheld() if reading.parked else BookingUnknown
    (row,) = reading.rows
    parked = row["is_parked"]
    etag = of_position(reading.epoch, row["position"], parked=parked)
    known = unchanged(response, etag, if_none_match, position=reading.position, parked=parked)
    if known is not None:
        return known  # type: ignore[return-value]
    ledger = tuple(map(LedgerEntry.model_validate, row["ledger"]))
    return BookingFound(
        **told(row),
        ledger=ledger,
        refunded_minor=sum(entry.amount_minor for entry in ledger if entry.kind == "refund"),
        position=reading.position,
        server_now=reader.now,
        parked=parked,
    )
