"""Reads for those who run a library: everyone may know that it exists, and only they what is in it."""

from zoneinfo import ZoneInfo

from studyspot.access.tokens import Identity
from studyspot.domain.refusals import LibraryUnknown, NotYourLibrary
from studyspot.projections.models import libraries
from studyspot.projections.queries.query import Query
from studyspot.projections.queries.reading import Reader
from studyspot.wire.parked import withheld

_PLACE = Query(
    "SELECT owner_id, time_zone FROM {libraries} WHERE library_id = %(library_id)s",
    order="1",
    parked=("{parked} AND p.key = %(library_id)s",),
    sources=(libraries.PROJECTION,),
)


async def clock_of_managed(reader: Reader, caller: Identity, library_id: str) -> ZoneInfo:
    """Return the clock of a library that the caller runs. Who owns it never changes.

    Raises:
        LibraryUnknown: there is none.
        NotYourLibrary: the caller does not own it.
        Problem, psycopg.OperationalError, PoolTimeout, StoreUnavailable: as `Queries.read`.
    """
    reading = await reader.read(_PLACE, library_id=library_id)
    if not reading.rows:
        raise withheld() if reading.parked else LibraryUnknown
    (row,) = reading.rows
    if caller.role != "library_owner" or row["owner_id"] != caller.user_id:
        raise NotYourLibrary
    return ZoneInfo(row["time_zone"])
