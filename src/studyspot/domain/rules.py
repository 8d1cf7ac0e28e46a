"""A library's booking rules, where it has set none of its own."""

from dataclasses import dataclass
from datetime import timedelta

SHORTEST_BOOKING = timedelta(minutes=1)
LONGEST_BOOKING = timedelta(days=100)
HORIZON = timedelta(days=366)
WALK_IN_GRACE = timedelta(minutes=5)
MOST_SEATS = 5_000


@dataclass(frozen=True, slots=True)
class Rules:
    """Offsets of the booking's deadlines; both check-in offsets are signed and relative to its start."""

    check_in_opens: timedelta = timedelta(minutes=-15)
    check_in_closes: timedelta = timedelta(minutes=30)
    free_cancel_cutoff: timedelta = timedelta(minutes=60)


DEFAULT_RULES = Rules()
