"""What a person was told, for that person alone."""

from fastapi import APIRouter

from studyspot.projections.models import notifications
from studyspot.projections.queries import query
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import Caller
from studyspot.wire.cursors import Cursor, Limit, cursor_of, unreadable, values_of
from studyspot.wire.read_bodies import NotificationsFound, NotificationView

router = APIRouter(prefix="/api/notifications", tags=["notifications"])

_MOST = 2**63 - 1
_OWN = query.Query(
    """
    SELECT * FROM {notifications}
    WHERE user_id = %(caller)s AND (%(before)s::bigint IS NULL OR position < %(before)s)
    ORDER BY position DESC LIMIT %(limit)s
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
    reader: Reads, caller: Caller, limit: Limit = 20, cursor: Cursor = None
) -> NotificationsFound:
    """List what one was told, newest first."""
    reading = await reader.read(
        _OWN, caller=caller.user_id, before=_place_of(cursor) if cursor else None, limit=limit + 1
    )
    page = reading.rows[:limit]
    more = len(reading.rows) > limit
    return NotificationsFound(
        rows=tuple(
            NotificationView(
                id=row["notification_id"],
                library_id=row["library_id"],
                kind=row["kind"],
                parameters=row["parameters"],
                sent_at=row["sent_at"],
            )
            for row in page
        ),
        next=cursor_of(str(page[-1]["position"])) if more else None,
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )


def _place_of(cursor: str) -> int:
    (position,) = values_of(cursor, 1)
    if not (position.isascii() and position.isdecimal() and int(position) <= _MOST):
        raise unreadable()
    return int(position)
