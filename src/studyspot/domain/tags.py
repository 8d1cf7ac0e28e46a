"""Names of the consistency tags: what a decision may depend on.

Dates and weeks in tags are UTC and only partition; rules about local days read every tag that could matter.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

_INSTANT = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)


def library(library_id: str) -> str:
    return f"library:{library_id}"


def seat(seat_id: str) -> str:
    return f"seat:{seat_id}"


def booking(booking_id: str) -> str:
    return f"booking:{booking_id}"


def hold(hold_id: str) -> str:
    return f"hold:{hold_id}"


def user(user_id: str) -> str:
    return f"user:{user_id}"


def invitation(invitation_id: str) -> str:
    return f"invitation:{invitation_id}"


def notification(notification_id: str) -> str:
    return f"notification:{notification_id}"


def waitlist_entry(entry_id: str) -> str:
    return f"waitlist-entry:{entry_id}"


def waitlists(library_id: str, start: datetime, end: datetime) -> tuple[str, ...]:
    """Return a tag for every UTC date of the library that [start, end) touches."""
    return tuple(f"waitlist:{library_id}:{day.isoformat()}" for day in _days(start, end))


def cause(name: str) -> str:
    """`name` is `{position}:{kind}`, and whom it concerns where the same event concerns several."""
    return f"cause:{name}"


def seat_day(seat_id: str, day: date) -> str:
    return f"seat-day:{seat_id}:{day.isoformat()}"


def seat_days(seat_id: str, start: datetime, end: datetime) -> tuple[str, ...]:
    """Return a tag for every UTC date that [start, end) touches."""
    return tuple(seat_day(seat_id, day) for day in _days(start, end))


def student_weeks(user_id: str, start: datetime, end: datetime) -> tuple[str, ...]:
    """Return a tag for every UTC ISO week that [start, end) touches."""
    day, last = _dates(start, end)
    tags = []
    day -= timedelta(days=day.weekday())
    while day <= last:
        year, week, _ = day.isocalendar()
        tags.append(f"student-week:{user_id}:{year}-W{week:02}")
        day += _WEEK
    return tuple(tags)


def _days(start: datetime, end: datetime) -> Iterator[date]:
    """Yield every UTC date of [start, end)."""
    day, last = _dates(start, end)
    while day <= last:
        yield day
        day += _DAY


def _dates(start: datetime, end: datetime) -> tuple[date, date]:
    """Return the first and the last UTC date of [start, end)."""
    return start.astimezone(UTC).date(), (end.astimezone(UTC) - _INSTANT).date()
