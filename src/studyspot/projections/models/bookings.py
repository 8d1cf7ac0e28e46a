"""Read model: every booking as it stands, what it costs, and who runs the libraries they are in.

Owners and staff are kept here as well, so that who may see a booking is decided at the position that the
answer names.
"""

from typing import Any, assert_never, get_args

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
    BookingTerms,
    LibraryCreated,
    PaymentEvent,
    PaymentRecorded,
    PaymentRefunded,
    StaffAdded,
    StaffRemoved,
)
from studyspot.domain.people import Role
from studyspot.projections.models.ledger import LEDGER, entries
from studyspot.projections.projection import (
    Projection,
    PutRow,
    RemoveRow,
    RowChange,
    SetColumns,
    Table,
    Values,
)

RUNNERS = Table(
    "runners",
    {
        "library_id": "text",
        "user_id": "text NOT NULL",
        "role": "text NOT NULL",  # in which they run it: library_owner, or staff
    },
    key=("library_id", "user_id", "role"),
    indexes=(("user_id", "role"),),
)
BOOKINGS = Table(
    "bookings",
    {
        "booking_id": "text",
        "library_id": "text NOT NULL",
        "seat_id": "text NOT NULL",
        "user_id": "text NOT NULL",
        "occupation": "text NOT NULL",
        "hold_id": "text",
        "series_id": "text",
        "starts_at": "timestamptz NOT NULL",
        "ends_at": "timestamptz NOT NULL",
        "occupied_until": "timestamptz NOT NULL",
        "status": "text NOT NULL",
        "amount_minor": "bigint NOT NULL",
        "kept_minor": "bigint",  # of the amount, once the booking was cancelled or revoked
        "paid_minor": "bigint NOT NULL",
        "currency": "text NOT NULL",
        "plan_id": "text",
        "price_version": "bigint",
        "check_in_from": "timestamptz NOT NULL",
        "check_in_until": "timestamptz NOT NULL",
        "free_cancel_until": "timestamptz NOT NULL",
        "late_refund_percent": "integer NOT NULL",
        "plan_share": "boolean NOT NULL",
        "checked_in_at": "timestamptz",
        "ended_at": "timestamptz",  # when the seat was given back, in whichever way
        "cancelled_late": "boolean",
        "revocation_reason": "text",
        "closure_id": "text",
        "created_at": "timestamptz NOT NULL",
        "changed_at": "timestamptz NOT NULL",
        "position": "bigint NOT NULL",  # of the newest event about the booking: its ETag
    },
    key=("booking_id",),
    indexes=(("user_id", "starts_at"), ("library_id", "starts_at")),
)
# Few bookings are of a series: an index over all of them would be mostly empty.
SERIES = Table(
    "series",
    {"booking_id": "text", "series_id": "text NOT NULL"},
    key=("booking_id",),
    indexes=(("series_id",),),
)

ListEvent = LibraryCreated | StaffAdded | StaffRemoved | BookingEvent | PaymentEvent


def changes(recorded: Recorded) -> tuple[RowChange, ...]:
    event = recorded.event
    if not isinstance(event, ListEvent):
        return ()
    if isinstance(event, LibraryCreated):
        return (PutRow(RUNNERS, _runner(event.library_id, event.owner_id, "library_owner")),)
    if isinstance(event, StaffAdded):
        return (PutRow(RUNNERS, _runner(event.library_id, event.user_id, "staff")),)
    if isinstance(event, StaffRemoved):
        return (RemoveRow(RUNNERS, _runner(event.library_id, event.user_id, "staff")),)
    if isinstance(event, PaymentEvent):
        return (_paid(event, recorded.position), *entries(recorded, event))
    changed = (_changed(event, recorded), *entries(recorded, event))
    if isinstance(event, BookingCreated) and event.series_id is not None:
        of_series = {"booking_id": event.booking_id, "series_id": event.series_id}
        return (*changed, PutRow(SERIES, of_series))
    return changed


def _runner(library_id: str, user_id: str, role: Role) -> Values:
    return {"library_id": library_id, "user_id": user_id, "role": role}


def _changed(event: BookingEvent, recorded: Recorded) -> RowChange:
    at = recorded.metadata.time
    match event:
        case BookingCreated():
            return PutRow(BOOKINGS, _booking(event, recorded))
        case BookingRescheduled():
            return _set(event, recorded, _terms(event))
        case BookingCancelled():
            given = {"cancelled_late": event.late, "kept_minor": event.kept_minor}
            return _set(event, recorded, {"ended_at": at, **given})
        case BookingCheckedIn():
            return _set(event, recorded, {"checked_in_at": at})
        case BookingCheckedOut():
            return _set(event, recorded, {"ended_at": at})
        case BookingNoShow():
            return _set(event, recorded, {"ended_at": event.missed_at})
        case BookingCompleted():
            return _set(event, recorded, {"ended_at": event.end})
        case BookingRevoked():
            why = {"revocation_reason": event.reason, "closure_id": event.closure_id}
            return _set(event, recorded, {"ended_at": at, "kept_minor": 0, **why})
        case _ as unreachable:
            assert_never(unreachable)


def _paid(event: PaymentRecorded | PaymentRefunded, position: int) -> SetColumns:
    """Only the money: the booking itself, and when it last changed, stay."""
    paid = {"paid_minor": event.paid_minor, "position": position}
    return SetColumns(BOOKINGS, {"booking_id": event.booking_id}, paid)


def _set(event: BookingEvent, recorded: Recorded, values: Values) -> SetColumns:
    changed = {
        "status": event.status,
        "changed_at": recorded.metadata.time,
        "position": recorded.position,
    }
    return SetColumns(BOOKINGS, {"booking_id": event.booking_id}, {**changed, **values})


def _booking(event: BookingCreated, recorded: Recorded) -> Values:
    at = recorded.metadata.time
    return {
        "booking_id": event.booking_id,
        "library_id": event.library_id,
        "user_id": event.user_id,
        "occupation": event.occupation,
        "hold_id": event.hold_id,
        "series_id": event.series_id,
        **_terms(event),
        "status": event.status,
        "kept_minor": None,
        "paid_minor": 0,
        "checked_in_at": None,
        "ended_at": None,
        "cancelled_late": None,
        "revocation_reason": None,
        "closure_id": None,
        "created_at": at,
        "changed_at": at,
        "position": recorded.position,
    }


def _terms(terms: BookingTerms) -> dict[str, Any]:
    """What a booking has from the moment at which it was made, or rescheduled."""
    return {
        "seat_id": terms.seat_id,
        "starts_at": terms.start,
        "ends_at": terms.end,
        "occupied_until": terms.occupied_until,
        "amount_minor": terms.amount_minor,
        "currency": terms.currency,
        "plan_id": terms.plan_id,
        "price_version": terms.price_version,
        "check_in_from": terms.check_in_from,
        "check_in_until": terms.check_in_until,
        "free_cancel_until": terms.free_cancel_until,
        "late_refund_percent": terms.late_refund_percent,
        "plan_share": terms.plan_share,
    }


PROJECTION = Projection(
    name="bookings",
    version=4,
    tables=(RUNNERS, BOOKINGS, SERIES, LEDGER),
    event_classes=get_args(ListEvent),
    key=("booking_id", "library_id"),
    changes=changes,
)
