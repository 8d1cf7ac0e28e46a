"""The judge's own fold of the log: what is so at each position."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from studyspot.checker.records import Record, instant
from studyspot.checker.verdict import Finding, Kind

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

STATUS_AFTER: Mapping[str, str] = {
    "booking.created": "confirmed",
    "booking.checked-in": "checked-in",
    "booking.cancelled": "cancelled",
    "booking.checked-out": "completed",
    "booking.completed": "completed",
    "booking.no-show": "no-show",
    "booking.revoked": "revoked",
}
_MAY_FOLLOW: Mapping[str, frozenset[str | None]] = {
    "booking.created": frozenset({None}),
    "booking.rescheduled": frozenset({"confirmed"}),
    "booking.checked-in": frozenset({"confirmed"}),
    "booking.cancelled": frozenset({"confirmed"}),
    "booking.no-show": frozenset({"confirmed"}),
    "booking.checked-out": frozenset({"checked-in"}),
    "booking.completed": frozenset({"checked-in"}),
    "booking.revoked": frozenset({"confirmed", "checked-in"}),
}


@dataclass(frozen=True, slots=True)
class Occupation:
    """Who has which seat during [start, end), and in which state: held, booked or occupied."""

    id: str
    library_id: str
    seat_id: str
    user_id: str
    start: datetime
    end: datetime
    state: str
    until: str | None

    def meets(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end


@dataclass(slots=True)
class Seat:
    library_id: str
    label: str
    zone: str
    in_service: bool = True


@dataclass(slots=True)
class History:
    """The state that the records so far add up to."""

    position: int = 0
    seats: dict[str, Seat] = field(default_factory=dict)
    bookings: dict[str, dict[str, Any]] = field(default_factory=dict)
    occupations: dict[str, Occupation] = field(default_factory=dict)
    _of_seat: dict[str, set[str]] = field(default_factory=dict)
    _of_user: dict[str, set[str]] = field(default_factory=dict)

    def of_seat(self, seat_id: str) -> Iterator[Occupation]:
        """The live occupations of a seat."""
        return (self.occupations[known] for known in self._of_seat.get(seat_id, ()))

    def of_user(self, user_id: str) -> Iterator[Occupation]:
        """The live occupations of a student, in all libraries."""
        return (self.occupations[known] for known in self._of_user.get(user_id, ()))

    def apply(self, record: Record) -> None:
        """Add one record.

        Raises:
            KeyError: it changes a seat that was never added.
        """
        facts = record.facts
        self.position = record.position
        match record.type:
            case "seat.added":
                self.seats[facts["seatId"]] = Seat(facts["libraryId"], facts["label"], facts["zone"])
            case "seat.updated":
                seat = self.seats[facts["seatId"]]
                seat.label, seat.zone = facts["label"], facts["zone"]
            case "seat.removed":
                self.seats.pop(facts["seatId"], None)
            case "seat.availability-changed":
                self.seats[facts["seatId"]].in_service = facts["inService"]
            case known if known in STATE_AFTER:
                self._occupy(record)
                if "bookingId" in facts:
                    before = self.bookings.get(facts["bookingId"], {})
                    status = STATUS_AFTER.get(record.type, before.get("status"))
                    self.bookings[facts["bookingId"]] = {**facts, "status": status}
            case _:
                pass

    def _occupy(self, record: Record) -> None:
        occupation = occupation_of(record)
        before = self.occupations.pop(occupation.id, None)
        if before is not None:
            self._of_seat[before.seat_id].discard(before.id)
            self._of_user[before.user_id].discard(before.id)
        if occupation.state == "free":
            return
        self.occupations[occupation.id] = occupation
        self._of_seat.setdefault(occupation.seat_id, set()).add(occupation.id)
        self._of_user.setdefault(occupation.user_id, set()).add(occupation.id)


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
        state=STATE_AFTER[record.type],
        until=facts.get("until"),
    )


def judge_step(history: History, record: Record) -> Iterator[Finding]:
    """Find what this record may not do to the state before it: overlap, or follow where it cannot."""
    booking_id = record.facts.get("bookingId")
    if booking_id is not None and record.type in _MAY_FOLLOW:
        status = history.bookings.get(booking_id, {}).get("status")
        if status not in _MAY_FOLLOW[record.type]:
            sentence = f"{record.type} of booking {booking_id}, which was {status or 'unknown'}"
            yield Finding(Kind.IMPOSSIBLE, "log", record.position, sentence)
    if STATE_AFTER.get(record.type, "free") == "free":
        return
    new = occupation_of(record)
    moment = instant(record.stored["time"])
    for rival in history.of_seat(new.seat_id):
        if rival.id != new.id and rival.meets(new.start, new.end) and not _lapsed(rival, moment):
            sentence = f"seat {new.seat_id} is given to {new.user_id} while {rival.user_id} has it"
            yield Finding(Kind.OVERLAP, "log", record.position, sentence)
    for other in history.of_user(new.user_id):
        if (
            other.id != new.id
            and other.seat_id != new.seat_id
            and other.meets(new.start, new.end)
            and not _lapsed(other, moment)
        ):
            sentence = f"{new.user_id} gets seat {new.seat_id} while having {other.seat_id}"
            yield Finding(Kind.OVERLAP, "log", record.position, sentence)


def _lapsed(occupation: Occupation, moment: datetime) -> bool:
    return occupation.until is not None and instant(occupation.until) <= moment
