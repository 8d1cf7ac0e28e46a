"""Places in waitlists: one's own, and for those who run a library its whole line."""

from typing import Annotated, Any, LiteralString

from fastapi import APIRouter, Query

from studyspot.domain.rules import WALK_IN_GRACE
from studyspot.projections.models import waitlist
from studyspot.projections.queries import query
from studyspot.projections.queries.managed import managed, runs_libraries
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import Caller
from studyspot.wire.cursors import Cursor, Limit, cursor_of, positions_of
from studyspot.wire.shape import Identifier
from studyspot.wire.waitlist_reads import OfferView, WaitlistEntryView, WaitlistFound

router = APIRouter(prefix="/api/waitlist", tags=["waitlist"])

# What the clock has ended is over, whether or not anybody noticed.
_BY_THE_CLOCK: LiteralString = """
    SELECT *, CASE
        WHEN status = 'waiting' AND starts_at <= %(now)s - %(grace)s::interval THEN 'left'
        WHEN status = 'offered' AND until <= %(now)s THEN 'lapsed'
        ELSE status
    END AS stands, (revoked_booking_id IS NULL)::integer AS turn
    FROM {waitlist_entries}
"""
# Those who wait before this one for a seat that this one could have, as the domain's line has it. Attributes
# contradict each other where putting the one over the other changes it.
_PLACE: LiteralString = """
    SELECT count(*) + 1 AS place FROM {waitlist_entries} AS o
    WHERE e.stands = 'waiting' AND o.status = 'waiting' AND o.library_id = e.library_id
      AND o.starts_at > %(now)s - %(grace)s::interval
      AND o.starts_at < e.ends_at AND o.ends_at > e.starts_at
      AND ((o.revoked_booking_id IS NULL)::integer, o.position) < (e.turn, e.position)
      AND (o.zone IS NULL OR e.zone IS NULL OR o.zone = e.zone)
      AND (o.attributes || e.attributes) @> o.attributes
"""


def _query(listed: LiteralString, order: LiteralString, wholly: query.Lookups) -> query.Query:
    return query.Query(
        """
        SELECT e.*, line.place FROM (
            SELECT * FROM ({by_the_clock}) AS e WHERE {listed} LIMIT %(limit)s
        ) AS e CROSS JOIN LATERAL ({place}) AS line
        """,
        order=order,
        parked=("{parked} ORDER BY p.library_id",),
        wholly=wholly,
        # Whoever is missing in the line may stand before the others.
        flags=(
            (
                "is_parked",
                (
                    "{parked} AND p.library_id = found.library_id ORDER BY p.user_id",
                    "{parked} AND p.library_id IS NULL ORDER BY p.library_id",
                ),
            ),
        ),
        sources=(waitlist.PROJECTION,),
        parts=(("by_the_clock", _BY_THE_CLOCK), ("place", _PLACE), ("listed", listed)),
    )


_OWN = _query(
    """
    e.user_id = %(caller)s AND (%(library_id)s::text IS NULL OR e.library_id = %(library_id)s)
      AND (%(after_position)s::bigint IS NULL OR e.position < %(after_position)s)
    ORDER BY e.position DESC
    """,
    "found.position DESC",
    (
        "{parked} AND p.user_id = %(caller)s ORDER BY p.library_id",
        "{parked} AND p.user_id IS NULL ORDER BY p.library_id",
    ),
)
_LINE = _query(
    """
    e.library_id = %(library_id)s AND e.starts_at > %(now)s - %(grace)s::interval
      AND e.stands IN ('waiting', 'offered')
      AND (%(after_position)s::bigint IS NULL OR (e.turn, e.position) > (%(after_turn)s, %(after_position)s))
    ORDER BY e.turn, e.position
    """,
    "found.turn, found.position",
    (
        "{parked} AND p.library_id = %(library_id)s ORDER BY p.user_id",
        "{parked} AND p.library_id IS NULL ORDER BY p.library_id",
    ),
)


@router.get("")
async def list_waitlist(
    reader: Reads,
    caller: Caller,
    library_id: Annotated[
        Identifier | None,
        Query(alias="libraryId", description="Of one library; its whole line, if one's own."),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> WaitlistFound:
    """List one's places in waitlists, newest first; or the line of a library that one runs, in its order."""
    of_library = library_id is not None and runs_libraries(caller)
    if of_library and library_id is not None:
        await managed(reader, caller, library_id)
    after_turn, after_position = positions_of(cursor, 2) if cursor else (None, None)
    reading = await reader.read(
        _LINE if of_library else _OWN,
        caller=caller.user_id,
        library_id=library_id,
        grace=WALK_IN_GRACE,
        after_turn=after_turn,
        after_position=after_position,
        limit=limit + 1,
    )
    page = reading.rows[:limit]
    more = len(reading.rows) > limit
    rows = tuple(map(_view, page))
    return WaitlistFound(
        rows=rows,
        next=cursor_of(str(page[-1]["turn"]), str(page[-1]["position"])) if more else None,
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked_wholly or any(row.parked for row in rows)),
    )


def _view(row: dict[str, Any]) -> WaitlistEntryView:
    over = row["stands"] == "left" and row["status"] == "waiting"
    offer = None
    if row["stands"] == "offered":
        offer = OfferView(hold_id=row["hold_id"], seat_id=row["seat_id"], until=row["until"])
    same = (
        *("library_id", "user_id", "zone", "attributes", "booking_id"),
        *("revoked_booking_id", "joined_at"),
    )
    return WaitlistEntryView(
        id=row["entry_id"],
        start=row["starts_at"],
        end=row["ends_at"],
        status=row["stands"],
        place=row["place"] if row["stands"] == "waiting" else None,
        offer=offer,
        left_reason="over" if over else row["left_reason"],
        parked=row["is_parked"],
        **{column: row[column] for column in same},
    )
