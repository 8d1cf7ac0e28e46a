"""Who did what to others, or to what is everybody's: for administrators."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from studyspot.domain.refusals import NotAdmin
from studyspot.projections.models import audit
from studyspot.projections.queries import query
from studyspot.projections.queries.reading import Reads
from studyspot.wire.audit_reads import ActsFound, ActView
from studyspot.wire.bearer import Caller
from studyspot.wire.cursors import Cursor, Limit, cursor_of, position_in, unreadable, values_of
from studyspot.wire.problems import INVALID, Problem
from studyspot.wire.shape import Identifier, Instant, ShortText

router = APIRouter(prefix="/api/audit", tags=["people"])

_ACTS = query.Query(
    """
    SELECT * FROM {acts} AS a
    WHERE (%(actor)s::text IS NULL OR a.actor = %(actor)s)
      AND (%(user_id)s::text IS NULL OR a.user_id = %(user_id)s)
      AND (%(library_id)s::text IS NULL OR a.library_id = %(library_id)s)
      AND (%(type)s::text IS NULL OR a.type = %(type)s)
      AND (%(from)s::timestamptz IS NULL OR a.at >= %(from)s)
      AND (%(to)s::timestamptz IS NULL OR a.at < %(to)s)
      AND (%(before_at)s::timestamptz IS NULL OR (a.at, a.position) < (%(before_at)s, %(before)s))
    ORDER BY a.at DESC, a.position DESC LIMIT %(limit)s
    """,
    order="found.at DESC, found.position DESC",
    sources=(audit.PROJECTION,),
)


@router.get("")
async def list_acts(
    reader: Reads,
    caller: Caller,
    actor: Identifier | None = None,
    user_id: Annotated[Identifier | None, Query(alias="userId")] = None,
    library_id: Annotated[Identifier | None, Query(alias="libraryId")] = None,
    type_: Annotated[ShortText | None, Query(alias="type", description="such as library.updated")] = None,
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="what happened before")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> ActsFound:
    """List who did what to others, or to what is everybody's, newest first."""
    if caller.role != "admin":
        raise NotAdmin
    if type_ is not None and type_ not in audit.PROJECTION.event_types():
        raise Problem(INVALID, f"There are no acts of the type {type_}.")
    before_at, before = _place_of(cursor) if cursor else (None, None)
    reading = await reader.read(
        _ACTS,
        actor=actor,
        user_id=user_id,
        library_id=library_id,
        type=type_,
        to=until,
        before_at=before_at,
        before=before,
        limit=limit + 1,
        **{"from": since},
    )
    page = reading.rows[:limit]
    more = len(reading.rows) > limit
    told = ("position", "type", "at", "actor", "library_id", "user_id", "ids")
    return ActsFound(
        rows=tuple(ActView(**{column: row[column] for column in told}) for row in page),
        next=cursor_of(page[-1]["at"].isoformat(), str(page[-1]["position"])) if more else None,
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )


def _place_of(cursor: str) -> tuple[datetime, int]:
    at, position = values_of(cursor, 2)
    try:
        return datetime.fromisoformat(at), position_in(position)
    except ValueError:
        raise unreadable() from None
