"""The judge's own fold of the log: what is so at each position."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from studyspot.checker.lines import Lines
from studyspot.checker.occupations import STATE_AFTER, Occupation, occupation_of
from studyspot.checker.people import People
from studyspot.checker.records import Record, instant

STATUS_AFTER: Mapping[str, str] = {
    "hold.placed": "held",
    "hold.released": "released",
    "hold.lapsed": "lapsed",
    "booking.created": "confirmed",
    "booking.rescheduled": "confirmed",
    "booking.checked-in": "checked-in",
    "booking.cancelled": "cancelled",
    "booking.checked-out": "completed",
    "booking.completed": "completed",
    "booking.no-show": "no-show",
    "booking.revoked": "revoked",
}
"""The status of a hold or booking after an event; a hold that was booked is `booked`."""


@dataclass(slots=True)
class Seat:
    library_id: str
    label: str
    zone: str
    attributes: Mapping[str, Any]
    in_service: bool = True


@dataclass(frozen=True, slots=True)
class Closure:
    """From `start` on, for good where there is no `end`."""

    start: datetime
    end: datetime | None

    def meets(self, start: datetime, end: datetime) -> bool:
        return self.start < end and (self.end is None or start < self.end)


@dataclass(slots=True)
class History:
    """The state that the records so far add up to.

    `holds` and `bookings` hold the newest facts of each, its status, and of a booking what was paid.
    """

    position: int = 0
    seats: dict[str, Seat] = field(default_factory=dict)
    holds: dict[str, dict[str, Any]] = field(default_factory=dict)
    bookings: dict[str, dict[str, Any]] = field(default_factory=dict)
    occupations: dict[str, Occupation] = field(default_factory=dict)
    closures: dict[str, dict[str, Closure]] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)
    people: People = field(default_factory=People)
    lines: Lines = field(default_factory=Lines)
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
            KeyError: it changes a seat, booking or place in line that was never there.
        """
        facts, entity = record.facts, record.type.partition(".")[0]
        self.position = record.position
        self.people.apply(record)
        self.lines.apply(record)
        match entity:
            case "seat":
                self._furnish(record)
            case "hold":
                self._occupy(record)
                self.holds[facts["holdId"]] = {**facts, "status": STATUS_AFTER[record.type]}
            case "booking" if record.type in STATE_AFTER:
                self._occupy(record)
                self._book(record)
            case "payment":
                self.bookings[facts["bookingId"]]["paidMinor"] = facts["paidMinor"]
            case "closure":
                self._close(record)
            case "library" if record.type == "library.deleted":
                self.retired.add(facts["libraryId"])
            case _:
                pass

    def _furnish(self, record: Record) -> None:
        facts = record.facts
        match record.type:
            case "seat.added":
                self.seats[facts["seatId"]] = Seat(
                    facts["libraryId"], facts["label"], facts["zone"], facts.get("attributes") or {}
                )
            case "seat.updated":
                seat = self.seats[facts["seatId"]]
                seat.label, seat.zone = facts["label"], facts["zone"]
                seat.attributes = facts.get("attributes") or {}
            case "seat.removed":
                del self.seats[facts["seatId"]]
            case "seat.availability-changed":
                self.seats[facts["seatId"]].in_service = facts["inService"]
            case _:
                pass

    def _book(self, record: Record) -> None:
        facts = record.facts
        # What only its creation and rescheduling tell stays: its terms.
        before = self.bookings.get(facts["bookingId"], {"paidMinor": 0})
        self.bookings[facts["bookingId"]] = {**before, **facts, "status": STATUS_AFTER[record.type]}
        hold = self.holds.get(facts.get("holdId") or "")
        if hold is not None and record.type == "booking.created":
            hold["status"] = "booked"

    def _close(self, record: Record) -> None:
        facts = record.facts
        closures = self.closures.setdefault(facts["libraryId"], {})
        if record.type == "closure.withdrawn":
            closures.pop(facts["closureId"], None)
        else:
            end = facts.get("end")
            closures[facts["closureId"]] = Closure(instant(facts["start"]), instant(end) if end else None)

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
