"""What a person was told, for that person alone."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from studyspot.projections.models import notifications
from studyspot.projections.queries import query
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import Caller
from studyspot.wire.cursors import Cursor, Limit, cursor_of, position_of
from studyspot.wire.notice_reads import NotificationsFound, NotificationView

router = APIRouter(prefix="/api/notifications", tags=["notifications"])

# Who was told nothing, or nothing more, is one row without a notice.
_OWN = query.Query(
    """
    SELECT counted.unread, told.* FROM (
        SELECT count(*) AS unread FROM {notifications} WHERE user_id = %(caller)s AND read_at IS NULL
    ) AS counted LEFT JOIN (
        SELECT n.*, t.text FROM {notifications} AS n
        LEFT JOIN private.texts AS t ON t.id = n.text_id COLLATE "C"
        WHERE n.user_id = %(caller)s AND (NOT %(unread)s OR n.read_at IS NULL)
          AND (%(before)s::bigint IS NULL OR n.position < %(before)s)
        ORDER BY n.position DESC LIMIT %(limit)s
    ) AS told ON true
    """,
    order="found.position DESC",
    # One whose person cannot be read may be anybody's.
    parked=(
        "{parked} AND p.user_id = %(caller)s ORDER BY p.library_id",
        "{parked} AND p.user_id IS NULL ORDER BY p.library_id",
    ),
    sources=(notifications.PROJECTION,),
)


@router.get("")
async def list_notifications(
    reader: Reads,
    caller: Caller,
    unread: Annotated[bool, Query(description="Only what was not read.")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> NotificationsFound:
    """List what one was told, newest first, and count what one has not read."""
    before = position_of(cursor) if cursor else None
    reading = await reader.read(_OWN, caller=caller.user_id, unread=unread, before=before, limit=limit + 1)
    found = [row for row in reading.rows if row["notification_id"] is not None]
    page = found[:limit]
    return NotificationsFound(
        rows=tuple(map(_view, page)),
        next=cursor_of(str(page[-1]["position"])) if len(found) > limit else None,
        unread=reading.rows[0]["unread"],
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )


def _view(row: dict[str, Any]) -> NotificationView:
    return NotificationView(
        id=row["notification_id"],
        library_id=row["library_id"],
        kind=row["kind"],
        parameters=row["parameters"],
        text=row["text"],
        deleted=row["text_id"] is not None and row["text"] is None,
        sent_at=row["sent_at"],
        read_at=row["read_at"],
    )
