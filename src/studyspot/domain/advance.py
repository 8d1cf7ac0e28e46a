"""How far ahead a time may be booked."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from studyspot.domain.local_time import first_instant_of
from studyspot.domain.rules import BookingRules


def released_at(start: datetime, rules: BookingRules, zone: ZoneInfo) -> datetime | None:
    """Return from when on a booking that begins at `start` may be made; none where always."""
    if rules.advance_days is None:
        return None
    if rules.advance_strict:
        return start - timedelta(hours=24 * rules.advance_days)
    day = start.astimezone(zone).date() - timedelta(days=rules.advance_days)
    return first_instant_of(day, rules.release_time or time(), zone)
