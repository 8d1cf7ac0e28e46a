"""The seat map: each seat of a library during some time, exactly as of one position."""

from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any, LiteralString

from fastapi import APIRouter, Path, Query, Request, Response

from studyspot.domain.refusals import EndNotAfterStart, LibraryUnknown
from studyspot.event_store.store import EventStore
from studyspot.projections.models import seats
from studyspot.projections.queries import query
from studyspot.projections.queries.managed import managed
from studyspot.projections.queries.occupancy import OCCUPATIONS, during
from studyspot.projections.queries.past_seat_map import moment_of, past_map
from studyspot.projections.queries.reading import Reader, Reads
from studyspot.wire.bearer import identity_of
from studyspot.wire.parked import PARKED_HEADER, withheld
from studyspot.wire.positions import POSITION
from studyspot.wire.problems import INVALID, Problem
from studyspot.wire.read_bodies import OccupationView, SeatMap, SeatStatus, SeatView
from studyspot.wire.shape import Identifier, Instant

router = APIRouter(prefix="/api/libraries", tags=["seats"])

LONGEST_MAP = timedelta(days=100)
STRENGTH: tuple[SeatStatus, ...] = ("occupied", "booked", "held")
"""Of several occupations within the time asked for, the seat shows the first of these."""

_ITS_OWN: LiteralString = "coalesce(p.library_id, %(library_id)s) = %(library_id)s"

# A library without seats is one row without a seat; an unknown one is none.
_MAP = query.Query(
    """
    SELECT s.*, o.occupation, o.state, o.starts_at, o.ends_at, o.until
    FROM {seat_maps} AS place
    LEFT JOIN {seats} AS s USING (library_id)
    LEFT JOIN LATERAL ({occupying}) AS o USING (seat_id)
    WHERE place.library_id = %(library_id)s
    """,
    order="found.added_at, found.starts_at, found.occupation",
    # An event whose library cannot be read may be of any.
    parked=(
        "{parked} AND p.library_id = %(library_id)s ORDER BY p.user_id",
        "{parked} AND p.library_id IS NULL ORDER BY p.library_id",
    ),
    wholly=(f"{{parked}} AND p.key = %(library_id)s AND {_ITS_OWN}",),
    flags=(
        ("seat_parked", (f"{{parked}} AND p.key = found.seat_id AND {_ITS_OWN}",)),
        ("occupation_parked", (f"{{parked}} AND p.key = found.occupation AND {_ITS_OWN}",)),
    ),
    sources=(seats.PROJECTION,),
    parts=(("occupying", OCCUPATIONS),),
)


@router.get("/{library_id}/seats", response_model=SeatMap)
async def read_seat_map(
    request: Request,
    reader: Reads,
    library_id: Annotated[Identifier, Path()],
    start: Annotated[Instant, Query(description="RFC 3339")],
    end: Annotated[Instant, Query(description="RFC 3339, after start")],
    at: Annotated[
        str | None,
        Query(
            max_length=40,
            description="A position of the log, or a time in RFC 3339: the map as it was then, of at most"
            " a week. For those who run the library.",
        ),
    ] = None,
) -> Response:
    """Read the seats of a library during [start, end), with the position to join its room from."""
    if end <= start:
        raise EndNotAfterStart
    if end - start > LONGEST_MAP:
        raise Problem(INVALID, f"A seat map covers at most {LONGEST_MAP.days} days.")
    if at is not None:
        await managed(reader, await identity_of(request), library_id)
        return await _as_it_was(request.app.state.store, reader, library_id, start, end, at)
    reading = await reader.read(_MAP, library_id=library_id, **during(start, end))
    if not reading.rows:
        raise withheld() if reading.parked_wholly else LibraryUnknown
    seat_map = SeatMap(
        library_id=library_id,
        start=start,
        end=end,
        seats=_seats(reading.rows),
        position=reading.position,
        epoch=reading.epoch,
        server_now=reader.now,
        parked=reading.parked,
    )
    return _written(seat_map)


async def _as_it_was(
    store: EventStore, reader: Reader, library_id: str, start: datetime, end: datetime, at: str
) -> Response:
    moment = await moment_of(store, at, reader.now)
    past = await past_map(store, library_id, start, end, moment)
    return _written(
        SeatMap(
            library_id=library_id,
            start=start,
            end=end,
            seats=_seats(past.rows),
            position=moment.position,
            epoch=moment.epoch,
            at=moment.at,
            server_now=reader.now,
            parked=past.unreadable,
        )
    )


def _written(seat_map: SeatMap) -> Response:
    # A map is large: it is written once, without the framework's second look at it.
    return Response(
        seat_map.model_dump_json(by_alias=True, exclude_none=True),
        media_type="application/json",
        headers={POSITION: str(seat_map.position)} | ({PARKED_HEADER: "true"} if seat_map.parked else {}),
    )


def _seats(rows: list[dict[str, Any]]) -> tuple[SeatView, ...]:
    with_seat = (row for row in rows if row["seat_id"] is not None)
    return tuple(_seat(list(of_seat)) for _, of_seat in groupby(with_seat, itemgetter("seat_id")))


def _seat(rows: list[dict[str, Any]]) -> SeatView:
    seat = rows[0]
    occupations = tuple(
        OccupationView(
            id=row["occupation"],
            state=row["state"],
            start=row["starts_at"],
            end=row["ends_at"],
            until=row["until"],
            parked=row["occupation_parked"],
        )
        for row in rows
        if row["occupation"] is not None
    )
    return SeatView(
        id=seat["seat_id"],
        label=seat["label"],
        zone=seat["zone"],
        attributes=seat["attributes"],
        status=_status(seat["in_service"], occupations),
        occupations=occupations,
        parked=seat["seat_parked"] or any(occupation.parked for occupation in occupations),
    )


def _status(in_service: bool, occupations: tuple[OccupationView, ...]) -> SeatStatus:
    if not in_service:
        return "out-of-service"
    states = {occupation.state for occupation in occupations}
    return next((state for state in STRENGTH if state in states), "free")
