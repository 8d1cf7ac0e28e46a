"""What may happen to some seats: logs of events as the deciders allow them, made of arbitrary steps."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingCreated,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    BookingTerms,
    Event,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    LibraryCreated,
    PaymentRecorded,
    SeatAdded,
    SeatAvailabilityChanged,
    SeatRemoved,
    SeatUpdated,
)

DAY = datetime(2026, 12, 1, tzinfo=UTC)
SEATS = ("S1", "S2", "S3")

KINDS = (
    # What takes a seat comes oftener, so that there is something to end.
    *("hold", "book", "book a hold") * 3,
    *("release", "lapse", "reschedule", "cancel", "check in", "check in", "check out", "complete", "miss"),
    *("revoke", "pay", "out of service", "back", "remove", "describe", "add", "elsewhere"),
)


class Step(NamedTuple):
    """Something that one might try: `which` chooses among what is there."""

    kind: str
    which: int
    seat: str
    hour: int
    hours: int
    buffer: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(KINDS),
        st.integers(0, 3),
        st.sampled_from(SEATS),
        st.integers(4, 20),
        st.integers(1, 3),
        st.sampled_from((0, 10, 90)),
    ),
    min_size=15,
    max_size=40,
)


def library(library_id: str) -> LibraryCreated:
    return LibraryCreated(
        library_id=library_id, owner_id="owner", currency="INR", name="Quiet", city="Pune", time_zone="UTC"
    )


def seat(seat_id: str, library_id: str = "L1") -> SeatAdded:
    return SeatAdded(library_id=library_id, seat_id=seat_id, label=seat_id, zone="general")


class SeatDays:
    """A log that grows by what is possible; other steps are left out."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.events: list[Event] = [library("L1"), library("L2"), *map(seat, SEATS), seat("S9", "L2")]
        self._seats = dict.fromkeys(SEATS, True)
        self._holds: dict[str, HoldPlaced] = {}
        self._confirmed: dict[str, BookingTerms] = {}
        self._checked_in: dict[str, BookingTerms] = {}
        for number, step in enumerate(steps):
            self.events += self._tried(number, step)

    def _tried(self, number: int, step: Step) -> tuple[Event, ...]:
        match step.kind:
            case "hold" if facts := self._free(step, f"o{number}"):
                hold = HoldPlaced(**facts, hold_id=f"H{number}", until=DAY + timedelta(hours=step.hour - 3))
                self._holds[hold.hold_id] = hold
                return (hold,)
            case "release" if hold := _chosen(self._holds, step):
                return (HoldReleased(**hold.facts()),)
            case "lapse" if hold := _chosen(self._holds, step):
                return (HoldLapsed(**hold.facts()),)
            case "book a hold" if hold := _chosen(self._holds, step):
                return self._booked(number, _occupation(hold), hold.hold_id)
            case "book" if facts := self._free(step, f"o{number}"):
                return self._booked(number, facts, None)
            case "reschedule" if booking := _chosen(self._confirmed, step):
                return self._rescheduled(booking, step)
            case "check in" if booking := _chosen(self._confirmed, step):
                self._checked_in[booking.booking_id] = booking
                return (BookingCheckedIn(**booking.facts()),)
            case "cancel" if booking := _chosen(self._confirmed, step):
                return (BookingCancelled(**booking.facts(), late=False),)
            case "miss" if booking := _chosen(self._confirmed, step):
                return (BookingNoShow(**booking.facts(), missed_at=booking.check_in_until),)
            case "check out" if booking := _chosen(self._checked_in, step):
                return (BookingCheckedOut(**booking.facts()),)
            case "complete" if booking := _chosen(self._checked_in, step):
                return (BookingCompleted(**booking.facts()),)
            case "revoke" if booking := _chosen(self._confirmed, step) or _chosen(self._checked_in, step):
                return (BookingRevoked(**booking.facts(), reason="library"),)
            case "pay" if self._confirmed:
                return (_paid(next(iter(self._confirmed.values())), number),)
            case "elsewhere":
                return (
                    HoldPlaced(**_facts(f"x{number}", "S9", "L2", step), hold_id=f"X{number}", until=DAY),
                )
            case _:
                return self._furnished(number, step)

    def _furnished(self, number: int, step: Step) -> tuple[Event, ...]:
        place: dict[str, Any] = {"library_id": "L1", "seat_id": step.seat}
        match step.kind, self._seats.get(step.seat):
            case "out of service", True:
                self._seats[step.seat] = False
                return (SeatAvailabilityChanged(**place, in_service=False, revoke_at=DAY),)
            case "back", False:
                self._seats[step.seat] = True
                return (SeatAvailabilityChanged(**place, in_service=True),)
            case "remove", False:
                del self._seats[step.seat]
                return (SeatRemoved(**place, revoke_at=DAY),)
            case "describe", True | False:
                lamps = {"lamps": number}
                return (SeatUpdated(**place, label=f"label {number}", zone="quiet", attributes=lamps),)
            case "add", _:
                self._seats[f"N{number}"] = True
                return (seat(f"N{number}"),)
            case _:
                return ()

    def _booked(self, number: int, facts: dict[str, Any], hold_id: str | None) -> tuple[Event, ...]:
        booking = BookingCreated(**facts, **_terms(facts, f"B{number}"), hold_id=hold_id)
        self._confirmed[booking.booking_id] = booking
        return (booking,)

    def _rescheduled(self, booking: BookingTerms, step: Step) -> tuple[Event, ...]:
        self._confirmed[booking.booking_id] = booking
        facts = self._free(step, booking.occupation)
        if facts is None:
            return ()
        moved = BookingRescheduled(
            **facts,
            **_terms(facts, booking.booking_id),
            previous_seat_id=booking.seat_id,
            previous_start=booking.start,
            previous_end=booking.end,
            previous_occupied_until=booking.occupied_until,
            previous_amount_minor=booking.amount_minor,
        )
        self._confirmed[booking.booking_id] = moved
        return (moved,)

    def _free(self, step: Step, occupation: str) -> dict[str, Any] | None:
        """Return the facts of an occupation, where the seat is free for it."""
        facts = _facts(occupation, step.seat, "L1", step)
        live = (*self._holds.values(), *self._confirmed.values(), *self._checked_in.values())
        is_taken = any(
            known.occupation != occupation
            and known.seat_id == step.seat
            and known.start < facts["occupied_until"]
            and facts["start"] < known.occupied_until
            for known in live
        )
        return facts if self._seats.get(step.seat) and not is_taken else None


def _chosen(known: dict[str, Any], step: Step) -> Any:
    """Take one out of those that are there."""
    return known.pop(list(known)[step.which % len(known)]) if known else None


def _facts(occupation: str, seat_id: str, library_id: str, step: Step) -> dict[str, Any]:
    start = DAY + timedelta(hours=step.hour)
    end = start + timedelta(hours=step.hours)
    return {
        "occupation": occupation,
        "library_id": library_id,
        "seat_id": seat_id,
        "user_id": f"student-of-{occupation}",
        "start": start,
        "end": end,
        "occupied_until": end + timedelta(minutes=step.buffer),
    }


_OF_HOLDS = ("hold_id", "until", "entry_id")


def _occupation(hold: HoldPlaced) -> dict[str, Any]:
    return {name: value for name, value in hold.facts().items() if name not in _OF_HOLDS}


def _terms(facts: dict[str, Any], booking_id: str) -> dict[str, Any]:
    start = facts["start"]
    return {
        "booking_id": booking_id,
        "amount_minor": 5000,
        "currency": "INR",
        "check_in_from": start - timedelta(minutes=15),
        "check_in_until": start + timedelta(minutes=30),
        "free_cancel_until": start - timedelta(hours=1),
    }


def _paid(booking: BookingTerms, number: int) -> PaymentRecorded:
    paid: dict[str, Any] = {"payment_id": f"P{number}", "payment_minor": 10, "paid_minor": 10}
    return PaymentRecorded(**booking.facts(), **paid, status="confirmed", method="cash")
