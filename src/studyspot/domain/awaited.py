"""Who waits for a seat that somebody wants: the line comes first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from studyspot.domain.agenda import Agenda, takes_seat
from studyspot.domain.bookable import bookable_refusal
from studyspot.domain.decider import Criterion
from studyspot.domain.events import WaitlistJoined, WaitlistLeft
from studyspot.domain.lapses import lapse_of
from studyspot.domain.library import Library
from studyspot.domain.refusals import SeatAwaited
from studyspot.domain.seat import Seat
from studyspot.domain.tags import seat_days
from studyspot.domain.waiting import events_of_waitlists, in_line, would_do


@dataclass(frozen=True, slots=True)
class Wanted:
    """A seat that a student wants at a moment, where it would be taken during [start, occupied_until)."""

    library: Library
    seat: Seat
    user_id: str
    start: datetime
    occupied_until: datetime
    at: datetime


def events_of_line(
    library_id: str, start: datetime, occupied_until: datetime, buffer: timedelta
) -> tuple[Criterion, ...]:
    """Return what tells who waits for a time that overlaps, each with the buffer after their time."""
    return events_of_waitlists(library_id, start - buffer, occupied_until)


def awaited_days(wanted: Wanted, agenda: Agenda) -> tuple[str, ...]:
    """Return tags of the days on which the seat must be free to be offered to somebody who waits.

    No more than the longest booking before and after what is wanted, however many wait.
    """
    overlapping = list(_overlapping(wanted, agenda))
    if not overlapping:
        return ()
    start = min(joined.start for joined in overlapping)
    until = max(_until(joined, wanted) for joined in overlapping)
    return seat_days(wanted.seat.seat_id, start, until)


def require_nobody_before(wanted: Wanted, agenda: Agenda) -> None:
    """Let who waits first come first.

    Somebody is before the student if the seat could be offered to them now, and the student does not stand
    before them in the line for it.

    Raises:
        SeatAwaited: somebody is.
    """
    own: list[WaitlistJoined] = []
    for joined in _overlapping(wanted, agenda):
        if joined.user_id == wanted.user_id:
            if _could_be_offered(joined, wanted, agenda):
                own.append(joined)
        elif not any(_overlap(place, joined) for place in own) and _could_be_offered(joined, wanted, agenda):
            raise SeatAwaited(wanted.seat.seat_id, joined.start, joined.end)


def waits_no_more(
    agenda: Agenda, library_id: str, user_id: str, start: datetime, end: datetime, at: datetime
) -> tuple[WaitlistLeft, ...]:
    """Return the places that a student gives up by booking [start, end): nobody can offer them a seat."""
    return tuple(
        WaitlistLeft(**entry.joined.facts(), reason="not-entitled")
        for entry in in_line(agenda.entries.values(), at)
        if (entry.joined.library_id, entry.joined.user_id) == (library_id, user_id)
        and entry.joined.start < end
        and start < entry.joined.end
    )


def _overlapping(wanted: Wanted, agenda: Agenda) -> Iterator[WaitlistJoined]:
    """Yield, in line, who waits for such a seat at an overlapping time."""
    for entry in in_line(agenda.entries.values(), wanted.at):
        joined = entry.joined
        if joined.library_id != wanted.library.library_id:
            continue
        overlaps = joined.start < wanted.occupied_until and wanted.start < _until(joined, wanted)
        if overlaps and would_do(wanted.seat, joined.zone, joined.attributes):
            yield joined


def _could_be_offered(joined: WaitlistJoined, wanted: Wanted, agenda: Agenda) -> bool:
    """Say whether the seat is free throughout the time that is waited for, and the library open."""
    taken = any(
        takes_seat(live.facts, wanted.seat.seat_id, joined.start, _until(joined, wanted))
        and lapse_of(live, wanted.at) is None
        for live in agenda.live()
    )
    return not taken and bookable_refusal(wanted.library, joined.start, joined.end, wanted.at) is None


def _overlap(one: WaitlistJoined, other: WaitlistJoined) -> bool:
    return one.start < other.end and other.start < one.end


def _until(joined: WaitlistJoined, wanted: Wanted) -> datetime:
    return joined.end + timedelta(minutes=wanted.library.rules.buffer_minutes)
