"""A library in figures, for those who run it."""

from typing import Annotated

from fastapi import APIRouter, Path

from studyspot.projections.queries.library_figures import STATS, Moment, figures_of
from studyspot.projections.queries.managed import managed
from studyspot.projections.queries.reading import Reads
from studyspot.wire.bearer import Caller
from studyspot.wire.shape import Identifier
from studyspot.wire.stats_bodies import LibraryStats

router = APIRouter(prefix="/api/libraries", tags=["libraries"])


@router.get("/{library_id}/stats")
async def read_library_stats(
    reader: Reads, caller: Caller, library_id: Annotated[Identifier, Path()]
) -> LibraryStats:
    """Read a library's figures, as one who runs it."""
    library = await managed(reader, caller, library_id)
    moment = Moment.at(reader.now, library.zone)
    reading = await reader.read(STATS, **moment.parameters(library_id))
    (row,) = reading.rows
    return LibraryStats(
        library_id=library_id,
        **figures_of(row, moment.hours),
        since=moment.since,
        position=reading.position,
        server_now=reader.now,
        parked=reader.tell_parked(reading.parked),
    )
