"""When a seat that is taken is next free for as long."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from studyspot.domain.agenda import Agenda
from studyspot.domain.lapses import lapse_of
from studyspot.domain.library import Library
from studyspot.domain.opening_hours import open_throughout
from studyspot.domain.rules import HORIZON

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Taking:
    """A seat that is wanted during [start, end) and would be taken until `occupied_until`."""

    seat_id: str
    start: datetime
    end: datetime
    occupied_until: datetime
    at: datetime


def next_free(taking: Taking, agenda: Agenda, library: Library) -> datetime | None:
    """Return from when on the seat is free for as long, on the days that were read; none where it is not."""
    length, occupied = taking.end - taking.start, taking.occupied_until - taking.start
    last_day = (taking.occupied_until.astimezone(UTC) - _INSTANT).date()
    known_until = datetime.combine(last_day, time(), UTC) + timedelta(days=1)
    taken = sorted(
        (live.facts.start, live.facts.occupied_until)
        for live in agenda.live()
        if live.facts.seat_id == taking.seat_id and lapse_of(live, taking.at) is None
    )
    start = taking.start
    for begins, ends in taken:
        if begins < start + occupied and start < ends:
            start = ends
    end = start + length
    if start + occupied > known_until or end > taking.at + HORIZON:
        return None
    closed = library.closures_during(start, end)
    return None if closed or not open_throughout(library.hours, start, end, library.zone) else start
