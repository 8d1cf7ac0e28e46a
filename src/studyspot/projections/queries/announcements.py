"""What everyone is told."""

from fastapi import APIRouter, Depends, Response

from studyspot.projections.models import notifications
from studyspot.projections.queries import query
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import identify
from studyspot.wire.cursors import Cursor, Limit, cursor_of, position_of
from studyspot.wire.etags import NOT_MODIFIED, IfNoneMatch, of_content, unchanged
from studyspot.wire.notice_reads import AnnouncementsFound, AnnouncementView

router = APIRouter(prefix="/api/announcements", tags=["notifications"])

_ALL = query.Query(
    """
    SELECT * FROM {announcements} WHERE %(before)s::bigint IS NULL OR position < %(before)s
    ORDER BY position DESC LIMIT %(limit)s
    """,
    order="found.position DESC",
    # An announcement is nobody's; so is a notice whose person cannot be read.
    parked=("{parked} AND p.user_id IS NULL ORDER BY p.library_id",),
    sources=(notifications.PROJECTION,),
)


@router.get("", dependencies=[Depends(identify)], responses=NOT_MODIFIED)
async def list_announcements(
    reader: Reads,
    response: Response,
    limit: Limit = 20,
    cursor: Cursor = None,
    if_none_match: IfNoneMatch = None,
) -> AnnouncementsFound:
    """List announcements, newest first."""
    reading = await reader.read(_ALL, before=position_of(cursor) if cursor else None, limit=limit + 1)
    page = reading.rows[:limit]
    more = len(reading.rows) > limit
    body = AnnouncementsFound(
        rows=tuple(
            AnnouncementView(
                id=row["announcement_id"], title=row["title"], text=row["text"], made_at=row["made_at"]
            )
            for row in page
        ),
        next=cursor_of(str(page[-1]["position"])) if more else None,
        position=reading.position,
        parked=reading.parked,
    )
    known = unchanged(
        response, of_content(body), if_none_match, position=reading.position, parked=reading.parked
    )
    return known or body  # type: ignore[return-value]
