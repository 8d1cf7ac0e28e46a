"""The tables of lines: what many changes amount to in them, and who is next where something is free."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_never

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from studyspot.domain import tags
from studyspot.policies.line import (
    Freed,
    LineChange,
    Offered,
    SeatGone,
    SeatIs,
    SeatServes,
    Waits,
    WaitsNoMore,
)
from studyspot.policies.tasks import deadline_key

LONGEST_BUFFER = timedelta(days=1)
"""Who waits needs the seat for so long after their own time, at the most."""

_WAITS = """
INSERT INTO policies.waiting (entry_id, library_id, in_turn, position, start_at, end_at, zone, attributes)
SELECT * FROM unnest(
    %s::text[], %s::text[], %s::boolean[], %s::bigint[], %s::timestamptz[], %s::timestamptz[],
    %s::text[], %s::jsonb[]
) ON CONFLICT (entry_id) DO NOTHING
"""
_OFFERED = """
UPDATE policies.waiting AS w SET offered = changed.offered
FROM unnest(%s::text[], %s::boolean[]) AS changed(entry_id, offered) WHERE w.entry_id = changed.entry_id
"""
_WAITS_NO_MORE = "DELETE FROM policies.waiting WHERE entry_id = ANY(%s)"
_SEATS = """
INSERT INTO policies.seats (seat_id, library_id, zone, attributes)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::jsonb[])
ON CONFLICT (seat_id) DO UPDATE SET zone = excluded.zone, attributes = excluded.attributes
"""
_SERVES = """
UPDATE policies.seats AS s SET in_service = changed.in_service
FROM unnest(%s::text[], %s::boolean[]) AS changed(seat_id, in_service) WHERE s.seat_id = changed.seat_id
"""
_GONE = "DELETE FROM policies.seats WHERE seat_id = ANY(%s)"
# One task a library, at the newest of the events that ask for it; none where nobody waits for it.
_OFFER = """
INSERT INTO policies.tasks (key, position, kind, subject, due_at, try_at)
SELECT DISTINCT ON (subject) key, position, 'offer-places', subject, at, at
FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[]
) AS freed(key, subject, library_id, position, at, start_at, end_at)
WHERE EXISTS (
    SELECT FROM policies.waiting AS w WHERE w.library_id = freed.library_id AND NOT w.offered
        AND w.start_at < coalesce(freed.end_at, 'infinity')
        AND w.end_at + %s > coalesce(freed.start_at, '-infinity')
)
ORDER BY subject, freed.position DESC
ON CONFLICT (key) DO UPDATE SET position = excluded.position, due_at = excluded.due_at,
    try_at = excluded.try_at, failures = 0, reason = NULL
"""
_NEXT = """
SELECT w.entry_id, w.in_turn, w.position, free.seat_ids
FROM policies.waiting AS w
CROSS JOIN LATERAL (
    SELECT array_agg(s.seat_id ORDER BY s.seat_id) AS seat_ids FROM policies.seats AS s
    WHERE s.library_id = w.library_id AND s.in_service
        AND (w.zone IS NULL OR s.zone = w.zone) AND s.attributes @> w.attributes
        AND (w.in_turn, w.position, s.seat_id) > (%(in_turn)s, %(position)s, %(seat_id)s)
        AND NOT EXISTS (
            SELECT FROM policies.occupations AS o
            WHERE o.seat_id = s.seat_id AND o.end_at > w.start_at AND o.start_at < w.end_at
        )
) AS free
WHERE w.library_id = %(library_id)s AND NOT w.offered
    AND (w.in_turn, w.position) >= (%(in_turn)s, %(position)s) AND free.seat_ids IS NOT NULL
ORDER BY w.in_turn, w.position LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a line, and the last seat that was tried for it; its seats have ids that are greater."""

    in_turn: bool = False
    position: int = 0
    seat_id: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who is next, and the seats that nothing known takes from them."""

    entry_id: str
    place: Place
    seat_ids: tuple[str, ...]


class LineBatch:
    """Changes in their order, and what is left of them. Ids of entries and seats never come again."""

    def __init__(self) -> None:
        self._waits: dict[str, Waits] = {}
        self._offered: dict[str, bool] = {}
        self._wait_no_more: set[str] = set()
        self._seats: dict[str, SeatIs] = {}
        self._serves: dict[str, bool] = {}
        self._gone: set[str] = set()
        self._freed: list[Freed] = []

    def add(self, change: LineChange) -> None:
        """Add what comes after all that was added before."""
        match change:
            case Waits(entry_id=entry_id):
                self._waits[entry_id] = change
            case Offered(entry_id, offered):
                self._offered[entry_id] = offered
            case WaitsNoMore(entry_id):
                self._wait_no_more.add(entry_id)
            case SeatIs(seat_id=seat_id):
                self._seats[seat_id] = change
            case SeatServes(seat_id, in_service):
                self._serves[seat_id] = in_service
            case SeatGone(seat_id):
                self._gone.add(seat_id)
            case Freed():
                self._freed.append(change)
            case _ as unreachable:
                assert_never(unreachable)

    async def write(self, connection: AsyncConnection) -> None:
        """Change the tables, and plan to offer what may be free; a pipeline makes it one wait.

        Raises:
            psycopg.Error: the database is away, or refuses a row.
        """
        if self._waits:
            await connection.execute(_WAITS, _columns([_waiting(one) for one in self._waits.values()]))
        if self._offered:
            await connection.execute(_OFFERED, [list(self._offered), list(self._offered.values())])
        if self._wait_no_more:
            await connection.execute(_WAITS_NO_MORE, [list(self._wait_no_more)])
        if self._seats:
            await connection.execute(_SEATS, _columns([_seat(one) for one in self._seats.values()]))
        if self._serves:
            await connection.execute(_SERVES, [list(self._serves), list(self._serves.values())])
        if self._gone:
            await connection.execute(_GONE, [list(self._gone)])
        if self._freed:
            rows = _columns([_free(one) for one in self._freed])
            await connection.execute(_OFFER, [*rows, LONGEST_BUFFER])


async def next_in_line(connection: AsyncConnection, library_id: str, after: Place) -> Candidate | None:
    """Return who is next in the library's line and could have a seat, after what was tried."""
    parameters = {
        "library_id": library_id,
        "in_turn": after.in_turn,
        "position": after.position,
        "seat_id": after.seat_id,
    }
    found = await connection.execute(_NEXT, parameters)
    row = await found.fetchone()
    if row is None:
        return None
    entry_id, in_turn, position, seat_ids = row
    return Candidate(entry_id, Place(in_turn, position), tuple(seat_ids))


def _waiting(waits: Waits) -> Sequence[Any]:
    return (
        *(waits.entry_id, waits.library_id, waits.in_turn, waits.position),
        *(waits.start, waits.end, waits.zone, Jsonb(dict(waits.attributes))),
    )


def _seat(seat: SeatIs) -> Sequence[Any]:
    return (seat.seat_id, seat.library_id, seat.zone, Jsonb(dict(seat.attributes)))


def _free(freed: Freed) -> Sequence[Any]:
    subject = tags.library(freed.library_id)
    return (
        deadline_key("offer-places", subject),
        subject,
        freed.library_id,
        freed.position,
        freed.time,
        freed.start,
        freed.end,
    )


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
