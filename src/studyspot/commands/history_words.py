"""What happened to a booking in a sentence, with its library's times, seats and money."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from studyspot.commands.money import amount
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingCreated,
    BookingEvent,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    PaymentEvent,
    PaymentMethod,
    PaymentRecorded,
    PaymentRefunded,
    RefundReason,
    RevocationReason,
)

_REVOKED: dict[RevocationReason, str] = {
    "closure": "The library took the booking back: it is closed then.",
    "seat-out-of-service": "The library took the booking back: the seat is out of service.",
    "library-retired": "The library took the booking back: it closes for good.",
    "library": "The library took the booking back.",
}
_PAID: dict[PaymentMethod, str] = {
    "cash": "in cash",
    "upi": "by UPI",
    "card": "by card",
    "bank-transfer": "by bank transfer",
}
_REFUNDED: dict[RefundReason, str] = {
    "cancelled": "because the booking was cancelled",
    "revoked": "because the library took the booking back",
    "rescheduled": "because the new time or seat costs less",
    "asked": "by the library",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The library's clock, and what its seats are called by their ids."""

    zone: ZoneInfo
    labels: Mapping[str, str]

    def seat(self, seat_id: str) -> str:
        return f"seat {self.labels.get(seat_id, seat_id)}"

    def moment(self, instant: datetime) -> str:
        local = instant.astimezone(self.zone)
        return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"

    def time(self, start: datetime, end: datetime) -> str:
        first, last = start.astimezone(self.zone), end.astimezone(self.zone)
        until = f"{last:%H:%M}" if first.date() == last.date() else self.moment(end)
        return f"{self.moment(start)} to {until}"


def told_in_words(event: BookingEvent | PaymentEvent, at: Surroundings) -> str:
    """Return the sentence."""
    match event:
        case BookingCreated():
            return f"Booked {at.seat(event.seat_id)} for {at.time(event.start, event.end)}, {_price(event)}."
        case BookingRescheduled():
            return _rescheduled(event, at)
        case BookingCancelled():
            return _cancelled(event)
        case BookingCheckedIn():
            return f"Checked in at {at.seat(event.seat_id)}."
        case BookingCheckedOut():
            return f"Checked out of {at.seat(event.seat_id)}, which is free again."
        case BookingCompleted():
            return f"Stayed until the end, {at.moment(event.end)}."
        case BookingNoShow():
            return f"Nobody had checked in by {at.moment(event.missed_at)}, and the seat was given up."
        case BookingRevoked():
            return _REVOKED[event.reason]
        case PaymentRecorded():
            paid = amount(event.payment_minor, event.currency)
            return f"Paid {paid} {_PAID[event.method]}; {_so_far(event)}."
        case PaymentRefunded():
            given_back = amount(event.refund_minor, event.currency)
            return f"Given back {given_back} {_REFUNDED[event.reason]}; {_so_far(event)}."
        case _ as unreachable:
            assert_never(unreachable)


def _rescheduled(event: BookingRescheduled, at: Surroundings) -> str:
    changes = []
    if event.seat_id != event.previous_seat_id:
        changes.append(f"from {at.seat(event.previous_seat_id)} to {at.seat(event.seat_id)}")
    if (event.start, event.end) != (event.previous_start, event.previous_end):
        before = at.time(event.previous_start, event.previous_end)
        changes.append(f"from {before} to {at.time(event.start, event.end)}")
    return f"Moved {', and '.join(changes)}, {_price(event)}."


def _cancelled(event: BookingCancelled) -> str:
    if not event.late:
        return "Cancelled in time; nothing is to be paid." if event.amount_minor else "Cancelled in time."
    if not event.amount_minor:
        return "Cancelled too late for the time to be given back."
    kept, whole = amount(event.kept_minor, event.currency), amount(event.amount_minor, event.currency)
    return f"Cancelled late; of {whole}, the library keeps {kept}."


def _price(event: BookingCreated | BookingRescheduled) -> str:
    if event.amount_minor == 0:
        return "free of charge"
    return f"for {amount(event.amount_minor, event.currency)}"


def _so_far(event: PaymentEvent) -> str:
    return f"{amount(event.paid_minor, event.currency)} is paid in all"
