"""What takes a seat and its student's time: holds and bookings, by what their events say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from studyspot.checker.records import Record, instant

STATE_AFTER: Mapping[str, str] = {
    "hold.placed": "held",
    "hold.released": "free",
    "hold.lapsed": "free",
    "booking.created": "booked",
    "booking.rescheduled": "booked",
    "booking.checked-in": "occupied",
    "booking.cancelled": "free",
    "booking.checked-out": "free",
    "booking.completed": "free",
    "booking.no-show": "free",
    "booking.revoked": "free",
}
"""What an event makes of the seat that it is about."""

GIVES = frozenset({"hold.placed", "booking.created", "booking.rescheduled"})
"""What gives a seat to a student."""

LAPSES = frozenset({"hold.lapsed", "booking.no-show"})
"""What the clock does, noted by whoever relies on it."""


@dataclass(frozen=True, slots=True)
class Occupation:
    """Who has which seat, and in which state: held, booked or occupied.

    The student has [start, end); the seat is taken until `occupied_until`; a hold is over at its `until`.
    """

    id: str
    library_id: str
    seat_id: str
    user_id: str
    start: datetime
    end: datetime
    occupied_until: datetime
    state: str
    until: datetime | None

    def takes_seat(self, start: datetime, until: datetime) -> bool:
        return self.start < until and start < self.occupied_until

    def takes_student(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end

    def is_over(self, moment: datetime) -> bool:
        """Say whether the clock has ended it; of a booking, only its own event tells."""
        return self.until is not None and self.until <= moment


def occupation_of(record: Record) -> Occupation:
    """Return what the event says about its occupation; state `free` ends it."""
    facts = record.facts
    return Occupation(
        id=facts["occupation"],
        library_id=facts["libraryId"],
        seat_id=facts["seatId"],
        user_id=facts["userId"],
        start=instant(facts["start"]),
        end=instant(facts["end"]),
        occupied_until=instant(facts["occupiedUntil"]),
        state=STATE_AFTER[record.type],
        until=instant(facts["until"]) if "until" in facts else None,
    )
