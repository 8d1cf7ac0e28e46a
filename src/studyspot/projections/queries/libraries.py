"""Find libraries, and read about one."""

from datetime import datetime
from typing import Annotated, Any, LiteralString
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter

from studyspot.domain.opening_hours import OpenHours, open_throughout
from studyspot.domain.refusals import LibraryUnknown
from studyspot.projections.models import libraries, seats
from studyspot.projections.queries import query
from studyspot.projections.queries.managed import runs_libraries
from studyspot.projections.queries.occupancy import INSTANT, OCCUPATIONS, during
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import identity_of
from studyspot.wire.cursors import Cursor, Limit, cursor_of, values_of
from studyspot.wire.etags import NOT_MODIFIED, IfNoneMatch, of_position, unchanged
from studyspot.wire.parked import withheld
from studyspot.wire.read_bodies import ClosureView, LibrariesFound, LibrarySummary, LibraryView
from studyspot.wire.shape import Identifier, ShortText

router = APIRouter(prefix="/api/libraries", tags=["libraries"])

_HOURS = TypeAdapter(tuple[OpenHours, ...] | None)

# Seats are counted for the libraries of the page only.
_ROWS: LiteralString = """
    SELECT place.*, counted.seats, counted.free, closed.now AS closed_now
    FROM (
        SELECT * FROM {libraries}
        WHERE {chosen}
          AND (%(words)s::text IS NULL OR concat_ws(' ', name, city, address) ILIKE %(words)s)
          AND (%(city)s::text IS NULL OR lower(city) = lower(%(city)s))
          AND (%(amenity)s::text IS NULL OR amenities @> ARRAY[%(amenity)s::text])
          AND (%(after_id)s::text IS NULL OR (name, library_id) > (%(after_name)s, %(after_id)s))
        ORDER BY name, library_id LIMIT %(limit)s
    ) AS place
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM {closures} AS c WHERE c.library_id = place.library_id
              AND c.starts_at <= %(now)s AND (c.ends_at IS NULL OR c.ends_at > %(now)s)
        ) AS now
    ) AS closed
    CROSS JOIN LATERAL (
        SELECT count(*) AS seats, count(*) FILTER (WHERE s.in_service AND taken.seat_id IS NULL) AS free
        FROM {seats} AS s
        LEFT JOIN (SELECT DISTINCT seat_id FROM ({occupying}) AS o) AS taken USING (seat_id)
        WHERE s.library_id = place.library_id
    ) AS counted
"""


def _query(chosen: LiteralString) -> query.Query:
    return query.Query(
        _ROWS,
        order="found.name, found.library_id",
        parked=("{parked} ORDER BY p.library_id",),
        # Whether a library whose own change is parked would be found is not known.
        wholly=("{parked} ORDER BY p.library_id",),
        flags=(
            (
                "is_parked",
                (
                    "{parked} AND p.library_id = found.library_id ORDER BY p.user_id",
                    "{parked} AND p.key = found.library_id AND p.library_id IS NULL",
                ),
            ),
        ),
        sources=(libraries.PROJECTION, seats.PROJECTION),
        parts=(("occupying", OCCUPATIONS), ("chosen", chosen)),
    )


_FOUND = _query("NOT retired")
_OWNED = _query("NOT retired AND owner_id = %(caller)s")
_WORKED_FOR = _query(
    "NOT retired AND library_id IN (SELECT library_id FROM {staff} WHERE user_id = %(caller)s)"
)
_ONE = query.Query(
    """
    SELECT l.*, (
        SELECT coalesce(jsonb_agg(
            jsonb_build_object('id', closure_id, 'start', starts_at, 'end', ends_at, 'revokeAt', revoke_at)
            ORDER BY starts_at, closure_id
        ), '[]') FROM {closures} AS c WHERE c.library_id = l.library_id
    ) AS closures
    FROM {libraries} AS l WHERE l.library_id = %(library_id)s
    """,
    order="1",
    parked=("{parked} AND p.key = %(library_id)s",),
    sources=(libraries.PROJECTION,),
)


@router.get("")
async def find_libraries(
    request: Request,
    reader: Reads,
    q: Annotated[ShortText | None, Query(description="words in name, city or address")] = None,
    city: ShortText | None = None,
    amenity: ShortText | None = None,
    mine: Annotated[
        bool, Query(description="Only those that one owns, or works for; this needs a token.")
    ] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> LibrariesFound:
    """Search libraries, by name; each with its lowest price and its seats free now."""
    after_name, after_id = values_of(cursor, 2) if cursor else (None, None)
    searched, caller = _FOUND, None
    if mine:
        identity = await identity_of(request)
        searched = _OWNED if identity.role == "library_owner" else _WORKED_FOR
        caller = identity.user_id if runs_libraries(identity) else None
    reading = await reader.read(
        searched,
        caller=caller,
        words=_containing(q) if q else None,
        city=city,
        amenity=amenity,
        after_name=after_name,
        after_id=after_id,
        limit=limit + 1,
        **during(reader.now, reader.now + INSTANT),
    )
    page = reading.rows[:limit]
    more = len(reading.rows) > limit
    rows = tuple(_summary(row, reader.now) for row in page)
    return LibrariesFound(
        rows=rows,
        next=cursor_of(page[-1]["name"], page[-1]["library_id"]) if more else None,
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked_wholly or any(row.parked for row in rows)),
    )


@router.get("/{library_id}", responses=NOT_MODIFIED)
async def read_library(
    reader: Reads,
    response: Response,
    library_id: Annotated[Identifier, Path()],
    if_none_match: IfNoneMatch = None,
) -> LibraryView:
    """Read what a library tells about itself: its price plans, opening hours, rules and closures."""
    reading = await reader.read(_ONE, library_id=library_id)
    parked = reading.parked
    if not reading.rows:
        raise withheld() if parked else LibraryUnknown
    (row,) = reading.rows
    etag = of_position(reading.epoch, row["position"], parked=parked)
    known = unchanged(response, etag, if_none_match, position=reading.position, parked=parked)
    return known or _view(row, reading.position, parked)  # type: ignore[return-value]


def _containing(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _told(row: dict[str, Any]) -> dict[str, Any]:
    told = ("name", "city", "address", "time_zone", "amenities", "currency")
    return {"id": row["library_id"], **{column: row[column] for column in told}}


def _summary(row: dict[str, Any], now: datetime) -> LibrarySummary:
    hours = _HOURS.validate_python(row["hours"])
    # The library's own clock decides, which PostgreSQL may not know.
    open_now = not row["closed_now"] and open_throughout(
        hours, now, now + INSTANT, ZoneInfo(row["time_zone"])
    )
    return LibrarySummary(
        **_told(row),
        price_from_minor=row["price_from_minor"],
        hours=hours,
        open_now=open_now,
        seats=row["seats"],
        seats_free_now=row["free"] if open_now else 0,
        parked=row["is_parked"],
    )


def _view(row: dict[str, Any], position: int, parked: bool) -> LibraryView:
    return LibraryView(
        **_told(row),
        retired=row["retired"],
        price_version=row["price_version"],
        plans=row["plans"],
        hours=row["hours"],
        rules=row["rules"],
        closures=tuple(ClosureView.model_validate(closure) for closure in row["closures"]),
        position=position,
        parked=parked,
    )
