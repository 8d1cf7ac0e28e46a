"""Bookings of an invented history: how each goes, and its bytes.

The bytes are written by template: they are those of the catalogue's codec, which is too slow for a million.
"""

import random
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from benchmarks.history_libraries import CURRENCY, Library, Seat, shift_price
from benchmarks.history_times import (
    HOUR,
    LAST_DAY,
    MINUTE,
    NOW,
    SECOND,
    local_day,
    moment,
    new_id,
    time_text,
)
from studyspot.domain.events import ShiftName
from studyspot.domain.rules import DEFAULT_RULES

BookingKind = Literal[
    "booking.created",
    "booking.cancelled",
    "booking.checked-in",
    "booking.checked-out",
    "booking.completed",
    "booking.no-show",
]

BOOKINGS_PER_STUDENT = 6
# Local hours: when a shift begins, and how long it lasts.
_SHIFTS: tuple[tuple[ShiftName, int, int], ...] = (
    ("morning", 6, 6),
    ("afternoon", 12, 6),
    ("evening", 18, 5),
    ("night", 23, 7),
)
_NIGHT = 3
_CANCELLED, _MISSED, _NEVER_LEFT = 0.20, 0.12, 0.08
_BOOKED_AGAIN = 0.4
_WALK_IN = 0.03
_LONGEST_LEAD = 6 * 24 * HOUR


_OPENS = DEFAULT_RULES.check_in_opens_minutes * MINUTE
_CLOSES = DEFAULT_RULES.check_in_closes_minutes * MINUTE
_CUTOFF = DEFAULT_RULES.free_cancel_minutes * MINUTE
# One more, and the student would be blocked in that library.
_MOST_MISSED = 2


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking's parts of rows: what all of its events say, and what each kind adds."""

    user_id: str
    tags: str
    facts: str
    created: str
    missed_at: str
    amount_minor: int
    late: bool = False

    def data(self, kind: BookingKind, at: int, chance: random.Random) -> str:
        """Return the stored data of its event of that kind and time."""
        match kind:
            case "booking.created":
                rest = self.created
            case "booking.cancelled":
                late, kept = ("true", self.amount_minor) if self.late else ("false", 0)
                rest = f'"status":"cancelled","late":{late},"keptMinor":{kept},"reasonId":null'
            case "booking.checked-in":
                rest = '"status":"checked-in"'
            case "booking.checked-out" | "booking.completed":
                rest = '"status":"completed"'
            case "booking.no-show":
                rest = f'"status":"no-show","missedAt":"{self.missed_at}"'
        # What comes of itself has no actor.
        actor = "null" if kind in ("booking.completed", "booking.no-show") else f'"{self.user_id}"'
        return (
            f'{{"v":1,"time":"{time_text(at)}","commandid":"{new_id(at, chance)}","actor":{actor},'
            f'"traceparent":null,"data":{{{self.facts},{rest}}}}}'
        )


Life = tuple[Booking, list[tuple[int, BookingKind]]]


@dataclass(frozen=True, slots=True)
class _Interval:
    """What the bytes of a booking say of its [start, end), which is shorter than a day."""

    facts: str
    opens: str
    free_cancel_until: str
    dates: tuple[str, ...]
    weeks: tuple[str, ...]


@cache
def _interval(start: int, end: int) -> _Interval:
    days = dict.fromkeys((moment(start).date(), moment(end - 1).date()))
    weeks = dict.fromkeys(day.isocalendar()[:2] for day in days)
    return _Interval(
        facts=f'"start":"{time_text(start)}","end":"{time_text(end)}","occupiedUntil":"{time_text(end)}"',
        opens=time_text(start + _OPENS),
        free_cancel_until=time_text(start - _CUTOFF),
        dates=tuple(day.isoformat() for day in days),
        weeks=tuple(f"{year}-W{week:02}" for year, week in weeks),
    )


@dataclass(frozen=True, slots=True)
class _Slot:
    """A seat for [start, end) of a local day; `whole` when that is the whole shift."""

    seat: Seat
    day: int
    shift: int
    start: int
    end: int
    whole: bool


def _below(limit: int, chance: random.Random) -> int:
    """Return a number in [0, limit): not quite as even as `randrange`, and three times as fast."""
    return int(chance.random() * limit)


class Bookings:
    """Endless lives of bookings, none of which overlaps another of its seat or its student."""

    def __init__(self, libraries: list[Library], expected: int, chance: random.Random) -> None:
        self._chance = chance
        self._seats = [seat for library in libraries for seat in library.seats]
        self._taken: set[tuple[str, int, int]] = set()
        # A student books once a local day: shifts of one day never overlap those of the next.
        self._busy: set[tuple[int, int]] = set()
        self._missed: dict[tuple[str, str], int] = {}
        number = max(2 * len(self._seats), expected // BOOKINGS_PER_STUDENT)
        self._students = [new_id(NOW, chance) for _ in range(number)]

    def lives(self) -> Iterator[Life]:
        """Return a booking after the other, each with what happened to it up to `NOW`."""
        while True:
            slot = self._free_slot()
            opened = slot.seat.library.open_from
            if self._chance.random() < _WALK_IN:
                at = slot.start + _below(4 * MINUTE, self._chance)
            else:
                lead = 10 * MINUTE + _below(_LONGEST_LEAD, self._chance)
                at = max(slot.start - lead, opened + _below(HOUR, self._chance))
            while at <= NOW and not slot.seat.out_of_service(at):
                booking, happened = self._life(slot, at)
                yield booking, [(when, kind) for when, kind in happened if when <= NOW]
                cancelled = happened[-1][0] if happened[-1][1] == "booking.cancelled" else slot.start
                if cancelled >= slot.start - MINUTE or self._chance.random() > _BOOKED_AGAIN:
                    break
                at = cancelled + SECOND + _below(slot.start - cancelled - SECOND, self._chance)

    def _free_slot(self) -> _Slot:
        chance = self._chance
        while True:
            seat = self._seats[_below(len(self._seats), chance)]
            first = seat.library.first_day
            day = first + _below(LAST_DAY + 1 - first, chance)
            shift = _below(len(_SHIFTS), chance)
            if (seat.seat_id, day, shift) in self._taken:
                continue
            if shift != _NIGHT and day in seat.library.closed_days:
                continue
            self._taken.add((seat.seat_id, day, shift))
            _, begins, hours = _SHIFTS[shift]
            start, length = local_day(day) + begins * HOUR, hours
            if whole := chance.random() < 0.5:
                return _Slot(seat, day, shift, start, start + length * HOUR, whole)
            length = 1 + _below(hours - 1, chance)
            start += _below(2 * (hours - length) + 1, chance) * 30 * MINUTE
            return _Slot(seat, day, shift, start, start + length * HOUR, whole)

    def _life(self, slot: _Slot, at: int) -> Life:
        """Return a booking of the slot, made at `at`, and all that will happen to it."""
        chance = self._chance
        closes = min(slot.end, max(slot.start, at) + _CLOSES)
        happened: list[tuple[int, BookingKind]] = [(at, "booking.created")]
        fate, late, user_id = chance.random(), False, self._student(slot.day)
        if fate < _CANCELLED:
            cancelled = at + SECOND + _below(closes - at - SECOND, chance)
            late = cancelled > slot.start - _CUTOFF
            happened.append((cancelled, "booking.cancelled"))
        elif fate < _CANCELLED + _MISSED and self._may_miss(user_id, slot):
            happened.append((closes, "booking.no-show"))
        else:
            opens = max(slot.start + _OPENS, at + SECOND)
            arrived = opens + _below(closes - opens, chance)
            happened.append((arrived, "booking.checked-in"))
            if fate > _CANCELLED + _MISSED + _NEVER_LEFT:
                left = arrived + SECOND + _below(slot.end - arrived - SECOND, chance)
                happened.append((left, "booking.checked-out"))
            else:
                happened.append((slot.end, "booking.completed"))
        return self._booking(slot, user_id, at, closes, late), happened

    def _may_miss(self, user_id: str, slot: _Slot) -> bool:
        key = user_id, slot.seat.library.library_id
        self._missed[key] = self._missed.get(key, 0) + 1
        return self._missed[key] <= _MOST_MISSED

    def _booking(self, slot: _Slot, user_id: str, at: int, closes: int, late: bool) -> Booking:
        chance, library = self._chance, slot.seat.library
        interval = _interval(slot.start, slot.end)
        booking_id = new_id(at, chance)
        plan, version, amount = _price(slot, at)
        occupation = urlsafe_b64encode(chance.randbytes(12)).decode()
        facts = (
            f'"occupation":"{occupation}","libraryId":"{library.library_id}",'
            f'"seatId":"{slot.seat.seat_id}","userId":"{user_id}",{interval.facts},'
            f'"bookingId":"{booking_id}","amountMinor":{amount},"currency":"{CURRENCY}"'
        )
        created = (
            f'"planId":{plan},"priceVersion":{version},'
            f'"checkInFrom":"{interval.opens}","checkInUntil":"{time_text(closes)}",'
            f'"freeCancelUntil":"{interval.free_cancel_until}","lateRefundPercent":0,'
            f'"planShare":false,"status":"confirmed","holdId":null,"seriesId":null'
        )
        tags = [f"booking:{booking_id}"]
        tags += [f"seat-day:{slot.seat.seat_id}:{day}" for day in interval.dates]
        tags += [f"student-week:{user_id}:{week}" for week in interval.weeks]
        return Booking(user_id, ",".join(tags), facts, created, time_text(closes), amount, late)

    def _student(self, day: int) -> str:
        student = _below(len(self._students), self._chance)
        while (student, day) in self._busy:
            student = (student + 1) % len(self._students)
        self._busy.add((student, day))
        return self._students[student]


def _price(slot: _Slot, at: int) -> tuple[str, str, int]:
    """Return plan and version, as JSON, and the amount in minor units."""
    library = slot.seat.library
    if not library.priced:
        return "null", "null", 0
    version, hourly = library.price_at(at)
    shift, _, _ = _SHIFTS[slot.shift]
    if slot.whole:
        return f'"{shift}"', str(version), shift_price(shift, hourly)
    return '"hourly"', str(version), hourly * (slot.end - slot.start) // HOUR
