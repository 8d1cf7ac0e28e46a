"""Seats that are free for some time: what is offered to a student who cannot have the one asked for."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import structlog

from studyspot.projections.models import seats
from studyspot.projections.queries.occupancy import OCCUPATIONS, during
from studyspot.projections.queries.query import Query
from studyspot.projections.queries.reading import Queries
from studyspot.wire.problems import Problem

ANSWER_WITHIN = timedelta(milliseconds=500)
"""A refusal does not wait longer for what is only its consolation."""
LOOK_AGAIN_AFTER = timedelta(seconds=1)
"""After no answer: in a rush, each look would only keep the read model from recovering."""

log = structlog.get_logger()

_FREE = Query(
    """
    SELECT s.seat_id, s.label, s.zone
    FROM {seat_maps} AS place
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(DISTINCT o.seat_id), ARRAY[]::text[]) AS seat_ids FROM ({occupying}) AS o
    ) AS taken
    JOIN {seats} AS s USING (library_id)
    WHERE place.library_id = %(library_id)s AND s.in_service AND s.seat_id <> ALL (taken.seat_ids)
    -- Not the same few to everyone: whoever is refused beside others would meet them there again.
    ORDER BY s.zone IS DISTINCT FROM %(zone)s, random() LIMIT %(limit)s
    """,
    order="found.zone IS DISTINCT FROM %(zone)s",
    parked=(),
    sources=(seats.PROJECTION,),
    parts=(("occupying", OCCUPATIONS),),
)


@dataclass(frozen=True, slots=True)
class FreeSeat:
    """A seat in service that nothing took at the moment of the look."""

    seat_id: str
    label: str
    zone: str


class FreeSeats:
    """Finds seats in the read model, which may be a little behind: an offer, never a promise."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._look_from = 0.0

    async def free(
        self, library_id: str, start: datetime, end: datetime, *, zone: str | None, limit: int = 3
    ) -> tuple[FreeSeat, ...]:
        """Return seats that are free throughout [start, end), those of `zone` first.

        `end` includes the library's buffer. Where the read model does not answer in time, there are none.
        """
        if time.monotonic() < self._look_from:
            return ()
        asked = {"library_id": library_id, "zone": zone, "limit": limit, "now": self._queries.clock()}
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                reading = await self._queries.read(_FREE, {**asked, **during(start, end)}, None)
        except (Problem, psycopg.Error, TimeoutError) as error:
            reason = error.detail if isinstance(error, Problem) else str(error).strip() or "no answer in time"
            self._look_from = time.monotonic() + LOOK_AGAIN_AFTER.total_seconds()
            log.warning("free seats not found", library=library_id, reason=reason)
            return ()
        return tuple(FreeSeat(row["seat_id"], row["label"], row["zone"]) for row in reading.rows)
