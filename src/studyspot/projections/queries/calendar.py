"""One's bookings as a calendar feed (RFC 5545), for programs that have its key and no token."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from icalendar import Calendar, Event

from studyspot.access.calendar_keys import hash_of
from studyspot.projections.models import bookings, libraries, people, seats
from studyspot.projections.queries import query
from studyspot.projections.queries.reading import Reads
from studyspot.wire.etags import NOT_MODIFIED, IfNoneMatch, unchanged
from studyspot.wire.problems import NOT_FOUND, Problem

router = APIRouter(prefix="/api", tags=["bookings"])

KEPT_FOR = timedelta(days=90)
"""How long a booking that is over stays in the feed."""
MOST = 2000
"""Of more bookings, those that start last are told."""
MEDIA_TYPE = "text/calendar; charset=utf-8"
_REFRESH = timedelta(minutes=15)
_ENDED = ("cancelled", "revoked")

# A key that opens a feed without bookings is a row without one; a key that opens none is no row.
_FEED = query.Query(
    """
    SELECT b.*, l.name, l.city, l.address, s.label
    FROM (
        SELECT k.user_id FROM accounts.calendar_keys AS k
        WHERE k.key_hash = %(hash)s
          AND NOT EXISTS (SELECT FROM {barred} AS x WHERE x.user_id = k.user_id COLLATE "default")
    ) AS owner
    LEFT JOIN LATERAL (
        SELECT * FROM {bookings}
        WHERE user_id = owner.user_id COLLATE "default" AND ends_at > %(now)s - %(kept_for)s::interval
        ORDER BY starts_at DESC LIMIT %(most)s
    ) AS b ON true
    LEFT JOIN {libraries} AS l USING (library_id)
    LEFT JOIN {seats} AS s USING (seat_id)
    """,
    order="found.starts_at, found.booking_id",
    # Nobody is named before the key is looked up: so whether one is missing is not known.
    parked=("{parked} ORDER BY p.library_id",),
    sources=(bookings.PROJECTION, libraries.PROJECTION, seats.PROJECTION, people.PROJECTION),
)


@router.get(
    "/bookings.ics",
    response_class=Response,
    responses={200: {"content": {"text/calendar": {"schema": {"type": "string"}}}}, **NOT_MODIFIED},
)
async def read_calendar(
    reader: Reads,
    response: Response,
    key: Annotated[str, Query(min_length=1, max_length=200, description="The key of the feed.")],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read the bookings of the key's person: of the past 90 days, and all to come."""
    reading = await reader.read(_FEED, hash=hash_of(key), kept_for=KEPT_FOR, most=MOST)
    if not reading.rows:
        raise Problem(NOT_FOUND, "No calendar has this key. Make another one, or ask its owner to.")
    feed = calendar_of(row for row in reading.rows if row["booking_id"] is not None)
    etag = f'W/"{sha256(feed).hexdigest()[:32]}"'
    known = unchanged(
        response, etag, if_none_match, position=reading.position, parked=reader.tell_parked(reading.parked)
    )
    return known or Response(feed, media_type=MEDIA_TYPE, headers=dict(response.headers))


def calendar_of(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the feed of these bookings: the same bytes for the same rows."""
    calendar = Calendar()
    calendar.add("prodid", "-//StudySpot//Bookings//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "StudySpot")
    calendar.add("refresh-interval", _REFRESH, parameters={"value": "DURATION"})
    for row in rows:
        calendar.add_component(_event(row))
    return bytes(calendar.to_ical())


def _event(row: Mapping[str, Any]) -> Event:
    ended = row["status"] in _ENDED
    event = Event()
    event.add("uid", f"{row['booking_id']}@studyspot")
    # Without a METHOD, both are when it last changed (RFC 5545, 3.8.7.2); so are all of its facts.
    event.add("dtstamp", row["changed_at"])
    event.add("last-modified", row["changed_at"])
    event.add("created", row["created_at"])
    event.add("sequence", row["position"])
    event.add("dtstart", row["starts_at"])
    event.add("dtend", row["ends_at"])
    event.add("status", "CANCELLED" if ended else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if ended else "OPAQUE")
    event.add("summary", f"Seat {row['label'] or row['seat_id']}, {row['name'] or row['library_id']}")
    place = (row["name"], row["address"], row["city"])
    if any(place):
        event.add("location", ", ".join(part for part in place if part))
    return event
