"""When a library is open: weekly hours by its own clock, merged into intervals of UTC."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from studyspot.domain.local_time import first_instant_of
from studyspot.domain.shape import Shape

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    *("monday", "tuesday", "wednesday", "thursday", "friday"),
    *("saturday", "sunday"),
)

_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHours(Shape):
    """Open on that day from `opens` until `closes`, which is the next day where it is not later."""

    day: Weekday
    opens: time
    closes: time


def open_throughout(
    hours: Iterable[OpenHours] | None, start: datetime, end: datetime, zone: ZoneInfo
) -> bool:
    """Say whether [start, end) lies within hours that are open, however many of them touch."""
    if hours is None:
        return True
    covered = start
    for opens, closes in sorted(_intervals(tuple(hours), start, end, zone)):
        if opens > covered:
            return False
        covered = max(covered, closes)
        if covered >= end:
            return True
    return False


def next_opening(
    hours: Iterable[OpenHours] | None, start: datetime, length: timedelta, zone: ZoneInfo
) -> datetime | None:
    """Return when, within a week after `start`, the library next opens for so long; none where it does not.

    Closures are not looked at.
    """
    merged: list[tuple[datetime, datetime]] = []
    for opens, closes in sorted(_intervals(tuple(hours or ()), start, start + _WEEK + length, zone)):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    fitting = (opens for opens, closes in merged if opens > start and closes - opens >= length)
    first = next(fitting, None)
    return first if first is not None and first <= start + _WEEK else None


def _intervals(
    hours: tuple[OpenHours, ...], start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """Yield what is open around [start, end) and ends after its start, in UTC."""
    by_weekday = [[known for known in hours if known.day == weekday] for weekday in WEEKDAYS]
    day = start.astimezone(zone).date() - _DAY
    last = end.astimezone(zone).date()
    while day <= last:
        for known in by_weekday[day.weekday()]:
            opens, closes = _on(known, day, zone)
            if closes > start:
                yield opens, closes
        day += _DAY


def _on(hours: OpenHours, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    closing_day = day if hours.closes > hours.opens else day + _DAY
    return first_instant_of(day, hours.opens, zone), first_instant_of(closing_day, hours.closes, zone)
