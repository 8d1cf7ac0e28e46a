"""What people may do in a small town, for properties: any sequence of steps."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from hypothesis import strategies as st

from studyspot.domain.rules import BookingRules
from tests.domain.given import MINUTE
from tests.domain.town import HOMES, STUDENTS

Kind = Literal[
    "hold",
    "book",
    "book-held",
    "release",
    "reschedule",
    "cancel",
    "check-in",
    "check-out",
    "revoke",
    "pay",
    "refund",
    "move-affected",
    "close",
    "withdraw",
    "seat-out",
    "seat-in",
    "revoke-affected",
    "price",
    "rules",
    "join",
    "leave",
    "offer",
    "end-waiting",
]
KINDS: tuple[Kind, ...] = (
    *("hold", "book", "book-held", "release", "reschedule", "cancel", "check-in", "check-out"),
    *("revoke", "pay", "refund", "move-affected", "close", "withdraw", "seat-out", "seat-in"),
    *("revoke-affected", "price", "rules"),
    *("join", "leave", "offer", "end-waiting"),
)
# What students do, and the libraries seldom.
WEIGHTED: tuple[Kind, ...] = (
    *(*KINDS, *(KINDS[:7] * 2), "book", "book", "book", "book", "hold"),
    *("reschedule", "reschedule", "check-in", "pay", "pay"),
    *("join", "join", "join", "offer", "offer", "offer", "offer", "book-held"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """After `pause`, somebody does something to one of the things that there are."""

    kind: Kind
    who: int
    seat: str
    half_hours: int
    length: int
    which: int
    pause: timedelta


PAUSES = (
    *(timedelta(0), timedelta(0), timedelta(0), timedelta(0), timedelta(0), timedelta(0)),
    *(MINUTE, timedelta(minutes=5)),
    *(timedelta(minutes=14), timedelta(minutes=15), timedelta(minutes=29), timedelta(minutes=30)),
    *(timedelta(minutes=61), timedelta(hours=4), timedelta(days=1), timedelta(days=3)),
)


def steps(
    kinds: tuple[Kind, ...] = WEIGHTED, pauses: tuple[timedelta, ...] = PAUSES
) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        kind=st.sampled_from(kinds),
        who=st.integers(0, len(STUDENTS) - 1),
        seat=st.sampled_from(tuple(HOMES)),
        half_hours=st.sampled_from((0, 1, 1, 2, 2, 3, 48, 7 * 48, 15 * 48)),
        length=st.sampled_from((1, 2, 2, 3, 6)),
        which=st.integers(0, 5),
        pause=st.sampled_from(pauses),
    )


# What students do who want the same two seats at the same hours, and what frees them.
IN_LINE: tuple[Kind, ...] = (
    *("join", "join", "join", "join", "offer", "offer", "offer", "offer", "book", "book", "hold"),
    *("book-held", "book-held", "release", "leave", "reschedule", "cancel", "cancel", "revoke"),
    *("move-affected", "seat-out", "seat-in", "close", "withdraw", "revoke-affected", "rules"),
)


def in_line() -> st.SearchStrategy[Step]:
    """Steps about a few hours of one library, at which more want seats than there are."""
    return st.builds(
        Step,
        kind=st.sampled_from(IN_LINE),
        who=st.integers(0, len(STUDENTS) - 1),
        seat=st.sampled_from(("S1", "S1", "S2")),
        half_hours=st.sampled_from((2, 2, 3)),
        length=st.sampled_from((1, 1, 2, 2, 3, 3, 3, 50)),
        which=st.integers(0, 5),
        pause=st.sampled_from((*(timedelta(0),) * 6, MINUTE, *(timedelta(minutes=5),) * 2)),
    )


RULES = st.builds(
    BookingRules,
    buffer_minutes=st.sampled_from((0, 0, 10, 45)),
    check_in_opens_minutes=st.sampled_from((-15, -60, 5)),
    check_in_closes_minutes=st.sampled_from((30, 30, 10, 90)),
    late_refund_percent=st.sampled_from((0, 33, 50, 100)),
    day_bookings=st.sampled_from((None, None, 1, 2)),
    day_minutes=st.sampled_from((None, None, 120)),
    week_bookings=st.sampled_from((None, None, 2)),
    week_minutes=st.sampled_from((None, None, 240)),
    live_bookings=st.sampled_from((None, None, 1, 2)),
    strikes=st.sampled_from((None, 1, 2, 3)),
)


def histories() -> st.SearchStrategy[list[Step]]:
    return st.lists(steps(), min_size=15, max_size=30) | st.lists(in_line(), min_size=15, max_size=30)
