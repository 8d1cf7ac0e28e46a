"""People, for administrators: role and status from the log, names and addresses from the accounts."""

from typing import Annotated, Any, LiteralString

from fastapi import APIRouter, Path, Response
from fastapi import Query as Asked

from studyspot.domain.people import Role
from studyspot.domain.refusals import NotAdmin
from studyspot.projections.models import people
from studyspot.projections.queries import query
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import Caller
from studyspot.wire.cursors import Cursor, Limit, cursor_of, unreadable, values_of
from studyspot.wire.etags import of_position
from studyspot.wire.parked import withheld
from studyspot.wire.people_bodies import PeopleFound, PersonFound, PersonStatus, PersonView
from studyspot.wire.problems import NOT_FOUND, Problem
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/people", tags=["people"])

_MOST = 2**63 - 1
# Somebody whose tokens come from elsewhere is known here only where they were barred.
_PEOPLE: LiteralString = """
    SELECT user_id, p.role, p.registered_at, coalesce(b.status, 'active') AS status,
        coalesce(p.position, b.position) AS came, a.email, a.name
    FROM {people} AS p FULL JOIN {barred} AS b USING (user_id)
        LEFT JOIN accounts.accounts AS a USING (user_id)
"""
_LISTED = query.Query(
    """
    SELECT * FROM ({all}) AS known
    WHERE (%(role)s::text IS NULL OR role = %(role)s)
      AND (%(status)s::text IS NULL OR status = %(status)s)
      AND (%(sought)s::text IS NULL OR lower(name) LIKE %(sought)s OR email LIKE %(sought)s
        OR user_id = %(q)s)
      AND (%(before)s::bigint IS NULL OR came < %(before)s)
    ORDER BY came DESC LIMIT %(limit)s
    """,
    order="found.came DESC",
    sources=(people.PROJECTION,),
    parts=(("all", _PEOPLE),),
)
_ONE = query.Query(
    "SELECT * FROM ({all}) AS known WHERE user_id = %(user_id)s",
    order="found.came DESC",
    parked=("{parked} AND p.key = %(user_id)s", "{parked} AND p.user_id IS NULL"),
    sources=(people.PROJECTION,),
    parts=(("all", _PEOPLE),),
)


@router.get("")
async def list_people(
    reader: Reads,
    caller: Caller,
    role: Role | None = None,
    status: PersonStatus | None = None,
    q: Annotated[
        str | None,
        Asked(min_length=1, max_length=120, pattern=r"^[^\x00]*$", description="Part of a name or address."),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> PeopleFound:
    """List people, those who came last first."""
    _require_admin(caller.role)
    reading = await reader.read(
        _LISTED,
        role=role,
        status=status,
        q=q,
        sought=_containing(q) if q is not None else None,
        before=_place_of(cursor) if cursor else None,
        limit=limit + 1,
    )
    page = reading.rows[:limit]
    more = len(reading.rows) > limit
    return PeopleFound(
        rows=tuple(PersonView(**_told(row)) for row in page),
        next=cursor_of(str(page[-1]["came"])) if more else None,
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )


@router.get("/{user_id}")
async def read_person(
    reader: Reads, caller: Caller, response: Response, user_id: Annotated[Identifier, Path()]
) -> PersonFound:
    """Read one person; the ETag says up to where of the log, for an If-Match."""
    _require_admin(caller.role)
    reading = await reader.read(_ONE, user_id=user_id)
    if not reading.rows:
        raise withheld() if reading.parked else Problem(NOT_FOUND, "There is no such person.")
    (row,) = reading.rows
    response.headers["ETag"] = of_position(reading.epoch, reading.position)
    return PersonFound(
        **_told(row),
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )


def _require_admin(role: Role) -> None:
    if role != "admin":
        raise NotAdmin


def _told(row: dict[str, Any]) -> dict[str, Any]:
    known = {name: row[name] for name in ("email", "name", "role", "status", "registered_at")}
    return {"id": row["user_id"], **known}


def _containing(text: str) -> str:
    """Return the pattern of LIKE for what contains this text, in any case."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


def _place_of(cursor: str) -> int:
    (position,) = values_of(cursor, 1)
    if not (position.isascii() and position.isdecimal() and int(position) <= _MOST):
        raise unreadable()
    return int(position)
