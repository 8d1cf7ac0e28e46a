"""Who works for a library and who is invited to; and the invitations that one may accept."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from studyspot.projections.models import libraries
from studyspot.projections.queries import query
from studyspot.projections.queries.managed import managed
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import Caller
from studyspot.wire.etags import NOT_MODIFIED, IfNoneMatch, of_content, unchanged
from studyspot.wire.shape import Identifier
from studyspot.wire.staff_reads import InvitationsFound, InvitationView, InvitedView, MemberView, StaffFound

router = APIRouter(prefix="/api", tags=["staff"])

MOST = 1000
"""No library has more staff, or invites more at once; of more, these are told."""

# An invitation of who works there already stands for nothing.
_STAFF = query.Query(
    """
    SELECT 'member' AS kind, s.user_id, a.name, s.since AS at, NULL AS invitation_id, NULL AS email,
        NULL::timestamptz AS until
    FROM {staff} AS s LEFT JOIN accounts.accounts AS a ON a.user_id = s.user_id COLLATE "C"
    WHERE s.library_id = %(library_id)s
    UNION ALL
    SELECT 'invited', i.user_id, NULL, i.invited_at, i.invitation_id, e.email, i.until
    FROM {invitations} AS i
    LEFT JOIN accounts.invitations AS e ON e.invitation_id = i.invitation_id COLLATE "C"
    WHERE %(owned)s AND i.library_id = %(library_id)s AND i.until > %(now)s AND NOT EXISTS (
        SELECT FROM {staff} AS s WHERE s.library_id = i.library_id AND s.user_id = i.user_id
    )
    LIMIT %(most)s
    """,
    order="found.at, found.user_id",
    parked=("{parked} AND p.key = %(library_id)s",),
    sources=(libraries.PROJECTION,),
)
# Two lookups by index; asked for by OR, every invitation there is would be read.
_INVITED = query.Query(
    """
    SELECT i.*, l.name, l.city FROM (
        SELECT * FROM {invitations} WHERE user_id = %(caller)s
        UNION
        SELECT i.* FROM accounts.accounts AS a
        JOIN accounts.invitations AS e USING (email)
        JOIN {invitations} AS i ON i.invitation_id = e.invitation_id COLLATE "C"
        WHERE a.user_id = %(caller)s AND i.user_id IS NULL
    ) AS i JOIN {libraries} AS l USING (library_id)
    WHERE i.until > %(now)s AND NOT l.retired AND NOT EXISTS (
        SELECT FROM {staff} AS s WHERE s.library_id = i.library_id AND s.user_id = %(caller)s
    )
    ORDER BY i.invited_at DESC LIMIT %(most)s
    """,
    order="found.invited_at DESC, found.invitation_id",
    # An invitation to an address is nobody's by its event.
    parked=(
        "{parked} AND p.user_id = %(caller)s ORDER BY p.library_id",
        "{parked} AND p.user_id IS NULL ORDER BY p.library_id",
    ),
    sources=(libraries.PROJECTION,),
)


@router.get("/libraries/{library_id}/staff", responses=NOT_MODIFIED)
async def list_staff(
    reader: Reads,
    caller: Caller,
    response: Response,
    library_id: Annotated[Identifier, Path()],
    if_none_match: IfNoneMatch = None,
) -> StaffFound:
    """List who works for a library, as one who runs it; its owner also sees who is invited."""
    library = await managed(reader, caller, library_id)
    reading = await reader.read(_STAFF, library_id=library_id, owned=library.owned, most=MOST)
    body = StaffFound(
        library_id=library_id,
        rows=tuple(
            MemberView(user_id=row["user_id"], name=row["name"], since=row["at"])
            for row in reading.rows
            if row["kind"] == "member"
        ),
        invitations=tuple(
            InvitedView(
                id=row["invitation_id"],
                user_id=row["user_id"],
                email=row["email"],
                invited_at=row["at"],
                until=row["until"],
            )
            for row in reading.rows
            if row["kind"] == "invited"
        ),
        position=reading.position,
        parked=reading.parked,
    )
    known = unchanged(
        response, of_content(body), if_none_match, position=reading.position, parked=reading.parked
    )
    return known or body  # type: ignore[return-value]


@router.get("/invitations")
async def list_invitations(reader: Reads, caller: Caller) -> InvitationsFound:
    """List the invitations that one may accept: to oneself, or to the address of one's account."""
    reading = await reader.read(_INVITED, caller=caller.user_id, most=MOST)
    return InvitationsFound(
        rows=tuple(
            InvitationView(
                id=row["invitation_id"],
                library_id=row["library_id"],
                library_name=row["name"],
                city=row["city"],
                invited_at=row["invited_at"],
                until=row["until"],
            )
            for row in reading.rows
        ),
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )
