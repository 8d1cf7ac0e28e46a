"""The ledger of bookings: what each has come to cost, and what was paid for it. Entries are only added.

Amounts are in minor units and positive, but for the difference of a rescheduled booking's price. What is
due is charges and differences less waivers; what has been paid is payments less refunds.
"""

from typing import Any, Literal, assert_never

from studyspot.catalogue.codec import Recorded
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
    PaymentRecorded,
    PaymentRefunded,
)
from studyspot.projections.projection import PutRow, Table

EntryKind = Literal["charge", "charge-difference", "waiver", "payment", "refund"]

LEDGER = Table(
    "ledger",
    {
        "booking_id": "text",
        "position": "bigint",
        "library_id": "text NOT NULL",
        "kind": "text NOT NULL",
        "amount_minor": "bigint NOT NULL",
        "currency": "text NOT NULL",
        "at": "timestamptz NOT NULL",
        "by": "text",  # none where a policy did it
        "method": "text",
        "reason": "text",
        "payment_id": "text",
        "reference_id": "text",
    },
    key=("booking_id", "position"),
    indexes=(("library_id", "at"),),
)


def entries(recorded: Recorded, event: BookingEvent | PaymentEvent) -> tuple[PutRow, ...]:
    """Return what the event adds to its booking's ledger; nothing where no money is concerned."""
    match event:
        case BookingCreated():
            return _entry(recorded, event, "charge", event.amount_minor)
        case BookingRescheduled():
            difference = event.amount_minor - event.previous_amount_minor
            return _entry(recorded, event, "charge-difference", difference)
        case BookingCancelled():
            return _entry(recorded, event, "waiver", event.amount_minor - event.kept_minor)
        case BookingRevoked():
            return _entry(recorded, event, "waiver", event.amount_minor)
        case PaymentRecorded():
            how = {"method": event.method, "payment_id": event.payment_id, "reference_id": event.reference_id}
            return _entry(recorded, event, "payment", event.payment_minor, **how)
        case PaymentRefunded():
            return _entry(recorded, event, "refund", event.refund_minor, reason=event.reason)
        case BookingCheckedIn() | BookingCheckedOut() | BookingCompleted() | BookingNoShow():
            return ()
        case _ as unreachable:
            assert_never(unreachable)


def _entry(
    recorded: Recorded,
    event: BookingEvent | PaymentEvent,
    kind: EntryKind,
    amount_minor: int,
    **more: Any,
) -> tuple[PutRow, ...]:
    if amount_minor == 0:
        return ()
    row = {
        "booking_id": event.booking_id,
        "position": recorded.position,
        "library_id": event.library_id,
        "kind": kind,
        "amount_minor": amount_minor,
        "currency": event.currency,
        "at": recorded.metadata.time,
        "by": recorded.metadata.actor,
        "method": None,
        "reason": None,
        "payment_id": None,
        "reference_id": None,
    }
    return (PutRow(LEDGER, {**row, **more}),)
