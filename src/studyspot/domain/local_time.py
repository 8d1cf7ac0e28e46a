"""A library's own clock: what is on its face may come twice a year, or never."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from studyspot.domain.refusals import WallTimeAmbiguous, WallTimeSkipped

_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)


def instant_of(wall_time: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which the clock shows `wall_time`; one with an offset is itself.

    Raises:
        WallTimeSkipped: the clock never shows it, as when summer time begins.
        WallTimeAmbiguous: it shows it twice, as when summer time ends.
    """
    if wall_time.tzinfo is not None:
        return wall_time.astimezone(UTC)
    earlier = wall_time.replace(tzinfo=zone, fold=0).astimezone(UTC)
    later = wall_time.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if earlier == later:
        return earlier
    if earlier.astimezone(zone).replace(tzinfo=None) != wall_time:
        raise WallTimeSkipped
    raise WallTimeAmbiguous(earlier.astimezone(zone), later.astimezone(zone))


def first_instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, at which the clock shows that time of that day, or is past it."""
    wall_time = datetime.combine(day, at)
    first, second = (wall_time.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) == wall_time:
        return first
    # A time that is skipped is read as an instant on either side of the gap.
    return _end_of_gap(min(first, second), max(first, second), zone)


def local_day(instant: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the day of `instant` on the library's clock as an interval of UTC, of 23, 24 or 25 hours."""
    day = instant.astimezone(zone).date()
    return first_instant_of(day, time(), zone), first_instant_of(day + _DAY, time(), zone)


def local_week(instant: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the ISO week, Monday to Sunday, of `instant` on the library's clock as an interval of UTC."""
    day = instant.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    return first_instant_of(monday, time(), zone), first_instant_of(monday + _WEEK, time(), zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant between the two, an hour or so apart, at which the clock is put forward."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    # Clocks are put forward at whole seconds.
    return after.replace(microsecond=0)
