"""Time cut into the hours that a library's clock shows, whatever it does when summer begins or ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_QUARTER = timedelta(minutes=15)
"""Every clock there is stands a whole number of these from UTC, and is put on or back by as many."""


@dataclass(frozen=True, slots=True)
class ClockHour:
    """From `begins` until the next one begins, the clock shows this hour; Mondays are 0."""

    begins: datetime
    weekday: int
    hour: int


def clock_hours(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[ClockHour, ...]:
    """Return the hours of [start, end) in UTC; the first begins at `start`, most last 60 minutes."""
    return tuple(_hours(start, end, zone))


def _hours(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[ClockHour]:
    shown = None
    at = start
    while at < end:
        wall_time = at.astimezone(zone)
        if shown != (shown := (wall_time.date(), wall_time.hour)):
            yield ClockHour(at, wall_time.weekday(), wall_time.hour)
        at = _next_quarter(at)


def _next_quarter(at: datetime) -> datetime:
    whole = at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
    return whole + _QUARTER
