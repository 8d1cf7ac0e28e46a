"""A library's booking rules, where they may lie, and what no library can change."""

from dataclasses import dataclass
from datetime import time, timedelta

from studyspot.domain.shape import Shape

LONGEST_BOOKING = timedelta(days=100)
HORIZON = timedelta(days=366)
WALK_IN_GRACE = timedelta(minutes=5)
MOST_SEATS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRules(Shape):
    """The rules of bookings made from now on; a library that sets none has these.

    Check-in opens and closes by signed offsets from the start, or from the booking where that is later.
    `advance_days` are calendar days on the library's clock, or strictly so many times 24 hours; with a
    `release_time`, a day is released at that time of the first of these calendar days.
    Quotas are a student's in this library: by local day and ISO week of the start, and live at once.
    `strikes` no-shows within `strike_days` block a student for `block_days` from the last of them.
    What is none is unlimited.
    """

    hold_minutes: int = 5
    check_in_opens_minutes: int = -15
    check_in_closes_minutes: int = 30
    free_cancel_minutes: int = 60
    late_refund_percent: int = 0
    buffer_minutes: int = 0
    shortest_minutes: int = 1
    longest_minutes: int | None = None
    advance_days: int | None = None
    advance_strict: bool = False
    release_time: time | None = None
    day_bookings: int | None = None
    day_minutes: int | None = None
    week_bookings: int | None = None
    week_minutes: int | None = None
    live_bookings: int | None = None
    strikes: int | None = 3
    strike_days: int = 30
    block_days: int = 7


DEFAULT_RULES = BookingRules()
PRESETS = {
    "leeds": BookingRules(live_bookings=3, longest_minutes=7 * 60, advance_days=7),
    "nottingham": BookingRules(day_bookings=2),
    # Shifts and whole months: a seat that is paid for is kept to the end of its time.
    "study-hall": BookingRules(
        check_in_closes_minutes=100 * 24 * 60,
        free_cancel_minutes=24 * 60,
        advance_days=31,
        strikes=None,
    ),
}
"""Rules that are known to work somewhere, for a library to begin with."""
