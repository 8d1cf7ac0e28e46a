"""Whether a library takes anybody for some time: how long, released, open."""

from datetime import datetime, timedelta

from studyspot.domain.advance import released_at
from studyspot.domain.library import Library
from studyspot.domain.opening_hours import next_opening, open_throughout
from studyspot.domain.refusals import (
    BookingTooLong,
    BookingTooShort,
    LibraryClosed,
    NotYetReleased,
    OutsideOpeningHours,
    Refusal,
)


def bookable_refusal(library: Library, start: datetime, end: datetime, at: datetime) -> Refusal | None:
    """Return why [start, end) cannot be had here by anybody, at that moment."""
    rules, length = library.rules, end - start
    if length < timedelta(minutes=rules.shortest_minutes):
        return BookingTooShort(timedelta(minutes=rules.shortest_minutes))
    if rules.longest_minutes is not None and length > timedelta(minutes=rules.longest_minutes):
        return BookingTooLong(timedelta(minutes=rules.longest_minutes))
    released = released_at(start, rules, library.zone)
    if released is not None and at < released:
        return NotYetReleased(released)
    closures = library.closures_during(start, end)
    if closures:
        ends = [closure.end for closure in closures if closure.end is not None]
        return LibraryClosed(max(ends) if len(ends) == len(closures) else None)
    if not open_throughout(library.hours, start, end, library.zone):
        return OutsideOpeningHours(next_opening(library.hours, start, length, library.zone))
    return None


def require_bookable(library: Library, start: datetime, end: datetime, at: datetime) -> None:
    """Let [start, end) be had here.

    Raises:
        BookingTooShort, BookingTooLong, NotYetReleased, LibraryClosed, OutsideOpeningHours: it cannot.
    """
    refusal = bookable_refusal(library, start, end, at)
    if refusal is not None:
        raise refusal
