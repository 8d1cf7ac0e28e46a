"""Names of the consistency tags: what a decision may depend on.

Dates and weeks in tags are UTC and only partition; rules about local days read every tag that could matter.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

_INSTANT = timedelta(microseconds=1)


def library(library_id: str) -> str:
    return f"library:{library_id}"


def seat(seat_id: str) -> str:
    return f"seat:{seat_id}"


def booking(booking_id: str) -> str:
    return f"booking:{booking_id}"


def hold(hold_id: str) -> str:
    return f"hold:{hold_id}"


def cause(name: str) -> str:
    """`name` is `{position}:{kind}`, and whom it concerns where the same event concerns several."""
    return f"cause:{name}"


def seat_day(seat_id: str, day: date) -> str:
    return f"seat-day:{seat_id}:{day.isoformat()}"


def seat_days(seat_id: str, start: datetime, end: datetime) -> tuple[str, ...]:
    """Return a tag for every UTC date that [start, end) touches."""
    return tuple(seat_day(seat_id, day) for day in _dates(start, end))


def student_weeks(user_id: str, start: datetime, end: datetime) -> tuple[str, ...]:
    """Return a tag for every UTC ISO week that [start, end) touches."""
    weeks = dict.fromkeys(day.isocalendar()[:2] for day in _dates(start, end))
    return tuple(f"student-week:{user_id}:{year}-W{week:02}" for year, week in weeks)


def _dates(start: datetime, end: datetime) -> Iterator[date]:
    day = start.astimezone(UTC).date()
    last = (end.astimezone(UTC) - _INSTANT).date()
    while day <= last:
        yield day
        day += timedelta(days=1)
