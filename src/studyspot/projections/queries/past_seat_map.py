"""The seat map as it was: made again from the log, by what the read model itself does with each event.

It costs what happened at the seats during the time that is shown, so that time is short; and a library as it
is today says who may look.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from studyspot.catalogue.codec import Recorded, UnreadableEvent, decode
from studyspot.catalogue.types import type_of
from studyspot.domain.events import BookingEvent, HoldEvent, LibraryCreated, SeatEvent
from studyspot.domain.refusals import LibraryUnknown
from studyspot.domain.tags import library as library_tag
from studyspot.domain.tags import seat_days
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion, Head, StoredEvent
from studyspot.projections.models import seats
from studyspot.projections.projection import PutRow, RowChange
from studyspot.projections.row_changes import fold
from studyspot.wire.problems import INVALID, POSITION_AHEAD, Problem
from studyspot.wire.shape import Instant

LONGEST = timedelta(days=7)
MOST_SEAT_DAYS = 10_000
"""The largest library on a day of its own, which touches two of the log's."""

_INSTANT = TypeAdapter(Instant)
_SEATS = tuple(type_of(known) for known in (LibraryCreated, *get_args(SeatEvent)))
_OCCUPATIONS = tuple(type_of(known) for known in (*get_args(HoldEvent), *get_args(BookingEvent)))


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the log, and the time by which holds were over or not."""

    position: int
    epoch: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PastMap:
    """Rows as the seat map's query finds them; `unreadable` where an event of it cannot be read."""

    rows: list[dict[str, Any]]
    unreadable: bool


async def moment_of(store: EventStore, at: str, now: datetime) -> Moment:
    """Return the moment of a position, or of a time: then of the last event by that time.

    Clocks of several processes may differ, so that events of the same moment may stand a little before or
    after each other.

    Raises:
        Problem: 422, it is neither, or it has not come yet.
        LibraryUnknown: nothing had happened yet.
        StoreUnavailable: the log cannot be read now.
    """
    head = await asyncio.to_thread(store.head)
    if at.isascii() and at.isdecimal() and len(at) < 19:
        position = int(at)
        if position > head.position:
            raise Problem(POSITION_AHEAD, f"The log ends at position {head.position}.")
        if position == 0:
            raise LibraryUnknown
        return Moment(position, head.epoch, await asyncio.to_thread(_time_of, store, position))
    try:
        time = _INSTANT.validate_python(at)
    except ValidationError:
        raise Problem(INVALID, "at: a position of the log, or a time such as 2026-12-01T09:00:00Z.") from None
    if time > now:
        raise Problem(INVALID, "at: this time has not come yet.")
    position = await asyncio.to_thread(_last_by, store, head, time)
    if position == 0:
        raise LibraryUnknown
    return Moment(position, head.epoch, time)


async def past_map(
    store: EventStore, library_id: str, start: datetime, end: datetime, moment: Moment
) -> PastMap:
    """Return the seats that the library had, with what took them within [start, end), as of a moment.

    Raises:
        LibraryUnknown: it was not there yet.
        Problem: 422, that is more than can be made again.
        StoreUnavailable: the log cannot be read now.
    """
    if end - start > LONGEST:
        raise Problem(INVALID, f"A seat map as it was covers at most {LONGEST.days} days.")
    found = await store.read_async((Criterion(_SEATS, (library_tag(library_id),)),), until=moment.position)
    standing, unreadable = await asyncio.to_thread(_folded, found.events)
    if (seats.MAPS.name, (library_id,)) not in standing:
        raise LibraryUnknown
    there = _rows_of(seats.SEATS.name, standing)
    ranges = [(days[0], days[-1]) for seat in there if (days := seat_days(seat["seat_id"], start, end))]
    asked = len(ranges) * len(seat_days("", start, end))
    if asked > MOST_SEAT_DAYS:
        raise Problem(
            INVALID, f"A map as it was covers at most {MOST_SEAT_DAYS} days of seats, and this is {asked}."
        )
    happened = await store.read_tag_ranges_async(_OCCUPATIONS, ranges) if ranges else ()
    taken, lost = await asyncio.to_thread(
        _folded, [stored for stored in happened if stored.position <= moment.position]
    )
    live: dict[str, list[dict[str, Any]]] = {}
    for row in _rows_of(seats.OCCUPATIONS.name, taken):
        over = row["until"] is not None and row["until"] <= moment.at
        if not over and row["starts_at"] < end and row["ends_at"] > start:
            live.setdefault(row["seat_id"], []).append(row)
    unflagged = {"seat_parked": False, "occupation_parked": False}
    nothing = dict.fromkeys(("occupation", "state", "starts_at", "ends_at", "until"))
    rows = [
        {**nothing, **occupation, **seat, **unflagged}
        for seat in sorted(there, key=lambda seat: seat["added_at"])
        for occupation in sorted(
            live.get(seat["seat_id"], [{}]), key=lambda row: (row.get("starts_at"), row.get("occupation"))
        )
    ]
    return PastMap(rows, unreadable or lost)


def _folded(events: Iterable[StoredEvent]) -> tuple[Mapping[tuple[str, tuple[Any, ...]], Any], bool]:
    """Return what the events come to for each row, and whether one of them cannot be read."""
    changes: list[RowChange] = []
    unreadable = False
    for stored in events:
        try:
            event, metadata = decode(stored.type, stored.data)
        except UnreadableEvent:
            # The read model parks it, and says so; so do we.
            unreadable = True
            continue
        recorded = Recorded(position=stored.position, epoch=stored.epoch, event=event, metadata=metadata)
        changes += seats.PROJECTION.changes(recorded)
    return fold(changes), unreadable


def _rows_of(table: str, standing: Mapping[tuple[str, tuple[Any, ...]], Any]) -> list[dict[str, Any]]:
    return [
        dict(effect.row)
        for (name, _), effect in standing.items()
        if name == table and isinstance(effect, PutRow)
    ]


def _last_by(store: EventStore, head: Head, time: datetime) -> int:
    """Return the position of the last event by this time, 0 where there is none."""
    low, high = 0, head.position
    while low < high:
        middle = (low + high + 1) // 2
        if _time_of(store, middle) <= time:
            low = middle
        else:
            high = middle - 1
    return low


def _time_of(store: EventStore, position: int) -> datetime:
    """Return when the event happened; of one that cannot be read, when the one before it did."""
    while position > 0:
        (stored,) = store.read(after=position - 1, until=position, limit=1).events
        try:
            return decode(stored.type, stored.data)[1].time
        except UnreadableEvent:
            position -= 1
    return datetime.min.replace(tzinfo=UTC)
