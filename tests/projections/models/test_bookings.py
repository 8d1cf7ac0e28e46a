"""What events do to a booking, and to its ledger."""

from typing import Any

import pytest

from studyspot.domain.events import Event
from studyspot.projections.models import bookings
from studyspot.projections.models.ledger import LEDGER
from studyspot.projections.projection import PutRow, SetColumns
from tests.projections.happenings import (
    HOUR,
    NINE,
    booked,
    booked_from,
    cancelled,
    checked_in,
    checked_out,
    completed,
    held,
    missed,
    paid,
    refunded,
    rescheduled,
    revoked,
)
from tests.projections.models.taking import put, when

BOOKING = booked(amount_minor=5000, buffer=HOUR / 4)
LATER = NINE + 3 * HOUR


def entry(event: Event, at_position: int = 7) -> dict[str, Any] | None:
    """What the event adds to the ledger, but for what says of which booking and library."""
    added = [
        dict(change.row)
        for change in when(bookings.PROJECTION, event, at_position, LATER, actor="owner")
        if isinstance(change, PutRow) and change.table is LEDGER
    ]
    assert len(added) < 2
    for row in added:
        assert (row.pop("booking_id"), row.pop("library_id"), row.pop("position")) == (
            "B1",
            "L1",
            at_position,
        )
        assert (row.pop("at"), row.pop("by"), row.pop("currency")) == (LATER, "owner", "INR")
    return {name: value for name, value in added[0].items() if value is not None} if added else None


def test_a_booking_keeps_its_facts_and_terms_from_its_making() -> None:
    made = put(when(bookings.PROJECTION, booked_from(held()))[0])
    assert (made["status"], made["hold_id"], made["occupation"]) == ("confirmed", "H1", "o-H1")
    assert (made["paid_minor"], made["kept_minor"]) == (0, None)
    assert made["created_at"] == made["changed_at"] == NINE
    taken = put(when(bookings.PROJECTION, BOOKING)[0])
    assert (taken["ends_at"], taken["occupied_until"]) == (NINE + HOUR, NINE + HOUR * 1.25)


@pytest.mark.parametrize(
    ("event", "values"),
    [
        (checked_in(BOOKING), {"status": "checked-in", "checked_in_at": LATER}),
        (checked_out(BOOKING), {"status": "completed", "ended_at": LATER}),
        (completed(BOOKING), {"status": "completed", "ended_at": NINE + HOUR}),
        (missed(BOOKING), {"status": "no-show", "ended_at": NINE + HOUR / 2}),
        (
            cancelled(BOOKING, late=True, kept_minor=1000),
            {"status": "cancelled", "ended_at": LATER, "cancelled_late": True, "kept_minor": 1000},
        ),
        (
            revoked(BOOKING, "C7"),
            {
                "status": "revoked",
                "ended_at": LATER,
                "kept_minor": 0,
                "revocation_reason": "closure",
                "closure_id": "C7",
            },
        ),
    ],
    ids=lambda given: type(given).__name__,
)
def test_each_transition_sets_the_status_and_what_belongs_to_it(event: Event, values: dict[str, Any]) -> None:
    changed, *_ = when(bookings.PROJECTION, event, at=LATER)
    expected = {**values, "changed_at": LATER, "position": 7}
    assert changed == SetColumns(bookings.BOOKINGS, {"booking_id": "B1"}, expected)


def test_a_rescheduled_booking_has_the_terms_of_that_moment_and_the_rest_of_before() -> None:
    moved = rescheduled(BOOKING, seat_id="S2", start=LATER, amount_minor=7000)
    changed, *_ = when(bookings.PROJECTION, moved, at=NINE + HOUR)
    assert isinstance(changed, SetColumns)
    made = put(when(bookings.PROJECTION, BOOKING)[0])
    there = {
        "seat_id": "S2",
        "starts_at": LATER,
        "ends_at": LATER + HOUR,
        "occupied_until": LATER + HOUR * 1.25,
        "amount_minor": 7000,
        "check_in_from": LATER - HOUR / 4,
        "check_in_until": LATER + HOUR / 2,
        "free_cancel_until": LATER - HOUR,
        "changed_at": NINE + HOUR,
        "position": 7,
    }
    assert {**made, **changed.values} == made | there


def test_payments_change_what_was_paid_and_nothing_else() -> None:
    for event, now_paid in ((paid(BOOKING, 3000, 3000), 3000), (refunded(BOOKING, 1000, 2000), 2000)):
        changed, *_ = when(bookings.PROJECTION, event, position=9)
        values = {"paid_minor": now_paid, "position": 9}
        assert changed == SetColumns(bookings.BOOKINGS, {"booking_id": "B1"}, values)


@pytest.mark.parametrize(
    ("event", "added"),
    [
        (BOOKING, {"kind": "charge", "amount_minor": 5000}),
        (booked(amount_minor=0), None),
        (
            rescheduled(BOOKING, seat_id="S2", start=LATER, amount_minor=7000),
            {"kind": "charge-difference", "amount_minor": 2000},
        ),
        (
            rescheduled(BOOKING, seat_id="S2", start=LATER, amount_minor=4000),
            {"kind": "charge-difference", "amount_minor": -1000},
        ),
        (rescheduled(BOOKING, seat_id="S2", start=LATER, amount_minor=5000), None),
        (cancelled(BOOKING), {"kind": "waiver", "amount_minor": 5000}),
        (cancelled(BOOKING, late=True, kept_minor=3500), {"kind": "waiver", "amount_minor": 1500}),
        (cancelled(BOOKING, late=True, kept_minor=5000), None),
        (revoked(BOOKING), {"kind": "waiver", "amount_minor": 5000}),
        *((event, None) for event in (checked_in(BOOKING), checked_out(BOOKING), completed(BOOKING))),
        (missed(BOOKING), None),
        (
            paid(BOOKING, 3000, 4000),
            {
                "kind": "payment",
                "amount_minor": 3000,
                "method": "upi",
                "payment_id": "P1",
                "reference_id": "R1",
            },
        ),
        (refunded(BOOKING, 1000, 0), {"kind": "refund", "amount_minor": 1000, "reason": "cancelled"}),
    ],
)
def test_each_event_that_concerns_money_adds_one_entry(event: Event, added: dict[str, Any] | None) -> None:
    assert entry(event) == added
