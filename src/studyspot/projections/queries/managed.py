"""Reads for those who run a library: everyone may know that it exists, and only they what is in it."""

from dataclasses import dataclass
from typing import LiteralString
from zoneinfo import ZoneInfo

from studyspot.access.tokens import Identity
from studyspot.domain.refusals import LibraryUnknown, NotYourLibrary
from studyspot.projections.models import libraries
from studyspot.projections.queries.query import Query
from studyspot.projections.queries.reading import Reader
from studyspot.wire.parked import withheld

THEIR_LIBRARIES: LiteralString = (
    "SELECT library_id FROM {runners} WHERE user_id = %(caller)s AND role = %(role)s"
)
"""Of the read model of bookings: the libraries that `caller` owns or works for, as `role` says."""

_PLACE = Query(
    """
    SELECT owner_id, time_zone, EXISTS (
        SELECT FROM {staff} AS s WHERE s.library_id = l.library_id AND s.user_id = %(caller)s
    ) AS works_here
    FROM {libraries} AS l WHERE library_id = %(library_id)s
    """,
    order="1",
    parked=("{parked} AND p.key = %(library_id)s",),
    sources=(libraries.PROJECTION,),
)


@dataclass(frozen=True, slots=True)
class Managed:
    """A library as one who runs it sees it; its owner alone is told some of it."""

    zone: ZoneInfo
    owned: bool


def runs_libraries(caller: Identity) -> bool:
    """Say whether the caller acts as one who owns libraries, or works for some."""
    return caller.role in ("library_owner", "staff")


async def managed(reader: Reader, caller: Identity, library_id: str) -> Managed:
    """Return a library that the caller owns or works for.

    Raises:
        LibraryUnknown: there is none.
        NotYourLibrary: the caller does neither.
        Problem, psycopg.OperationalError, PoolTimeout, StoreUnavailable: as `Queries.read`.
    """
    reading = await reader.read(_PLACE, library_id=library_id, caller=caller.user_id)
    if not reading.rows:
        raise withheld() if reading.parked else LibraryUnknown
    (row,) = reading.rows
    owned = caller.role == "library_owner" and row["owner_id"] == caller.user_id
    if not owned and not (caller.role == "staff" and row["works_here"]):
        raise NotYourLibrary
    return Managed(ZoneInfo(row["time_zone"]), owned)
