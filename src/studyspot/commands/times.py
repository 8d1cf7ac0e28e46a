"""Times of requests: instants, or what a library's clock shows."""

from collections.abc import Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from studyspot.commands.gate import Gate
from studyspot.domain.local_time import instant_of
from studyspot.domain.seeing import SEE_LIBRARY, SeeLibrary

ToInstant = Callable[[datetime], datetime]


def is_wall_time(moment: datetime | None) -> bool:
    return moment is not None and moment.tzinfo is None


async def by_clock_of(gate: Gate, library_id: str, moments: Iterable[datetime | None]) -> ToInstant:
    """Return what makes an instant of each of these; the library is read only where one has no offset.

    Raises:
        LibraryUnknown: it has no clock.
    """
    if not any(is_wall_time(moment) for moment in moments):
        return lambda instant: instant
    seen = await gate.decisions.look(SEE_LIBRARY, SeeLibrary(library_id))
    assert seen.state.library is not None
    return by_clock(seen.state.library.zone)


async def interval_of(
    gate: Gate, library_id: str, start: datetime, end: datetime
) -> tuple[datetime, datetime]:
    """Return [start, end) in UTC.

    Raises:
        LibraryUnknown, WallTimeSkipped, WallTimeAmbiguous: one is by a clock that does not show it so.
    """
    to_instant = await by_clock_of(gate, library_id, (start, end))
    return to_instant(start), to_instant(end)


def by_clock(zone: ZoneInfo) -> ToInstant:
    """Return what makes an instant of what a clock of this zone shows.

    Raises (what is returned):
        WallTimeSkipped, WallTimeAmbiguous: the clock shows it never, or twice.
    """
    return lambda moment: instant_of(moment, zone)
