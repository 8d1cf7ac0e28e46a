"""A booking's life: what every command leads to in every state, and that nothing else does."""

from collections.abc import Callable
from datetime import datetime
from itertools import product
from typing import Any

import pytest

from studyspot.domain.booking_changes import (
    CANCEL_BOOKING,
    CHECK_IN,
    CHECK_OUT,
    REVOKE_BOOKING,
    CancelBooking,
    CheckIn,
    CheckOut,
    RevokeBooking,
)
from studyspot.domain.endings import (
    COMPLETE_BOOKING,
    MISS_BOOKING,
    REVOKE_AFFECTED,
    CompleteBooking,
    MissBooking,
    RevokeAffected,
)
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    Event,
    PaymentRecorded,
    PaymentRefunded,
    SeatAdded,
)
from studyspot.domain.payments import RECORD_PAYMENT, REFUND_PAYMENT, RecordPayment, RefundPayment
from studyspot.domain.refusals import (
    BookingCancelledAlready,
    BookingCompletedAlready,
    BookingMissed,
    BookingOver,
    BookingRevokedAlready,
    BookingUnknown,
    CheckedInAlready,
    CheckInTooEarly,
    CheckInWindowMissed,
    NotCheckedIn,
    PaymentExceedsDue,
    RefundExceedsPaid,
    Refusal,
)
from studyspot.domain.rescheduling import MOVE_AFFECTED, RESCHEDULE_BOOKING, MoveAffected, RescheduleBooking
from tests.domain.given import (
    ASHA,
    ELEVEN,
    INSTANT,
    MINUTE,
    NINE,
    NOW,
    OPEN,
    OWNER,
    booked,
    missed,
    moved,
    out_of_service,
    paid,
    when,
)

NOTHING: tuple[type[Event], ...] = ()
BOOKED = booked(ASHA, amount_minor=10000, occupied_until=ELEVEN + 10 * MINUTE)
MOVED = moved(BOOKED, start=NINE, end=ELEVEN, occupied_until=BOOKED.occupied_until)
ALIKE = SeatAdded(library_id="L1", seat_id="S3", label="A3", zone="general")
PAID = paid(BOOKED, 6000)
CHECKED_IN = (BOOKED, PAID, BookingCheckedIn(**BOOKED.facts()))
BACK = PaymentRefunded(
    **BOOKED.facts(), status="cancelled", refund_minor=6000, paid_minor=0, reason="cancelled"
)

EARLY, IN_TIME, LATE, OVER = NOW, NINE, NINE + 30 * MINUTE, ELEVEN + 10 * MINUTE
STATES: dict[str, tuple[tuple[Event, ...], datetime]] = {
    "unknown": ((), IN_TIME),
    "confirmed, check-in to open": ((BOOKED, PAID), EARLY),
    "confirmed, check-in open": ((BOOKED, PAID), IN_TIME),
    "rescheduled, check-in open": ((BOOKED, PAID, MOVED), IN_TIME),
    "confirmed, check-in closed": ((BOOKED, PAID), LATE),
    "missed": ((BOOKED, PAID, missed(BOOKED)), LATE),
    "checked in": (CHECKED_IN, LATE),
    "checked in, its last instant": (CHECKED_IN, OVER - INSTANT),
    "checked in, over": (CHECKED_IN, OVER),
    "checked out": ((*CHECKED_IN, BookingCheckedOut(**BOOKED.facts())), LATE),
    "completed": ((*CHECKED_IN, BookingCompleted(**BOOKED.facts())), OVER),
    "cancelled": ((BOOKED, PAID, BookingCancelled(**BOOKED.facts(), late=False), BACK), IN_TIME),
    "revoked": ((BOOKED, PAID, BookingRevoked(**BOOKED.facts(), reason="library"), BACK), IN_TIME),
}
COMMANDS: dict[str, Callable[[datetime], tuple[Any, Any]]] = {
    "cancel": lambda at: (CANCEL_BOOKING, CancelBooking("B0", None, ASHA, at)),
    "check in": lambda at: (CHECK_IN, CheckIn("B0", ASHA, at, code_verified=True)),
    "check out": lambda at: (CHECK_OUT, CheckOut("B0", ASHA, at)),
    "revoke": lambda at: (REVOKE_BOOKING, RevokeBooking("B0", "library", None, OWNER, at)),
    "reschedule": lambda at: (
        RESCHEDULE_BOOKING,
        RescheduleBooking("B0", "S3", None, None, None, OWNER, at),
    ),
    "move": lambda at: (
        MOVE_AFFECTED,
        MoveAffected("B0", "S3", None, None, None, OWNER, at, consented=True),
    ),
    "miss": lambda at: (MISS_BOOKING, MissBooking("B0", at)),
    "complete": lambda at: (COMPLETE_BOOKING, CompleteBooking("B0", at)),
    "revoke by itself": lambda at: (REVOKE_AFFECTED, RevokeAffected("B0", at)),
    "pay": lambda at: (RECORD_PAYMENT, RecordPayment("P1", "B0", 4000, "upi", None, OWNER, at)),
    "refund": lambda at: (REFUND_PAYMENT, RefundPayment("B0", 6000, OWNER, at)),
}
CANCELLED, REVOKED = (BookingCancelled, PaymentRefunded), (BookingRevoked, PaymentRefunded)
RESCHEDULED = (BookingRescheduled, PaymentRefunded)
PAYMENT, REFUND = (PaymentRecorded,), (PaymentRefunded,)
Result = tuple[type[Event], ...] | type[Refusal]
Row = tuple[Result, ...]
# In the order of COMMANDS; the library is free of charge by now, so that moving gives back what was paid.
BY_THE_CLOCK = (NOTHING, NOTHING, NOTHING)
TABLE: dict[str, Row] = {
    "unknown": (*(BookingUnknown,) * 6, *BY_THE_CLOCK, *(BookingUnknown,) * 2),
    "confirmed, check-in to open": (
        *(CANCELLED, CheckInTooEarly, NotCheckedIn, REVOKED, RESCHEDULED, RESCHEDULED),
        *(NOTHING, NOTHING, REVOKED),
        *(PAYMENT, REFUND),
    ),
    "confirmed, check-in open": (
        *((BookingCancelled,), (BookingCheckedIn,), NotCheckedIn, REVOKED, RESCHEDULED, RESCHEDULED),
        *(NOTHING, NOTHING, REVOKED),
        *(PAYMENT, REFUND),
    ),
    "confirmed, check-in closed": (
        *(BookingMissed, CheckInWindowMissed, BookingMissed, BookingMissed, BookingMissed, BookingMissed),
        *((BookingNoShow,), NOTHING, NOTHING),
        *(PAYMENT, REFUND),
    ),
    "missed": (*(BookingMissed,) * 6, *BY_THE_CLOCK, PAYMENT, REFUND),
    "checked in": (
        *(CheckedInAlready, CheckedInAlready, (BookingCheckedOut,), REVOKED),
        *(CheckedInAlready, CheckedInAlready),
        *(NOTHING, NOTHING, REVOKED),
        *(PAYMENT, REFUND),
    ),
    "checked in, over": (
        *(CheckedInAlready, CheckedInAlready, BookingOver, BookingOver, CheckedInAlready, CheckedInAlready),
        *(NOTHING, (BookingCompleted,), NOTHING),
        *(PAYMENT, REFUND),
    ),
    "checked out": (*(BookingCompletedAlready,) * 6, *BY_THE_CLOCK, PAYMENT, REFUND),
    "cancelled": (
        *((BookingCancelledAlready,) * 6),
        *BY_THE_CLOCK,
        *(PaymentExceedsDue, RefundExceedsPaid),
    ),
    "revoked": (*(BookingRevokedAlready,) * 6, *BY_THE_CLOCK, PaymentExceedsDue, RefundExceedsPaid),
}
TABLE["rescheduled, check-in open"] = TABLE["confirmed, check-in open"]
TABLE["checked in, its last instant"] = TABLE["checked in"]
TABLE["completed"] = TABLE["checked out"]


@pytest.mark.parametrize(("state", "command"), tuple(product(STATES, COMMANDS)))
def test_every_command_in_every_state_leads_to_its_events_or_its_refusal(state: str, command: str) -> None:
    happened, at = STATES[state]
    expected = dict(zip(COMMANDS, TABLE[state], strict=True))[command]
    history = (*OPEN, ALIKE, *happened, out_of_service())
    decider, given_now = COMMANDS[command](at)
    if isinstance(expected, tuple):
        events = when(decider, history, given_now)
        assert tuple(type(event) for event in events) == expected
    else:
        with pytest.raises(expected) as refused:
            when(decider, history, given_now)
        assert type(refused.value) is expected
