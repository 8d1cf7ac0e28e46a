"""Read model: every booking as it stands, and whose libraries they are in.

Owners are kept here as well, so that who may see a booking is decided at the position that the answer names.
"""

from typing import assert_never, get_args

from studyspot.catalogue.codec import Recorded
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    BookingEvent,
    LibraryCreated,
)
from studyspot.projections.projection import Projection, PutRow, RowChange, SetColumns, Table, Values

OWNERS = Table(
    "library_owners",
    {"library_id": "text", "owner_id": "text NOT NULL"},
    key=("library_id",),
    indexes=(("owner_id",),),
)
BOOKINGS = Table(
    "bookings",
    {
        "booking_id": "text",
        "library_id": "text NOT NULL",
        "seat_id": "text NOT NULL",
        "user_id": "text NOT NULL",
        "occupation": "text NOT NULL",
        "starts_at": "timestamptz NOT NULL",
        "ends_at": "timestamptz NOT NULL",
        "status": "text NOT NULL",
        "amount_minor": "bigint NOT NULL",
        "currency": "text NOT NULL",
        "plan_id": "text",
        "price_version": "bigint",
        "check_in_from": "timestamptz NOT NULL",
        "check_in_until": "timestamptz NOT NULL",
        "free_cancel_until": "timestamptz NOT NULL",
        "cancelled_late": "boolean",
        "created_at": "timestamptz NOT NULL",
        "changed_at": "timestamptz NOT NULL",
    },
    key=("booking_id",),
    indexes=(("user_id", "starts_at"), ("library_id", "starts_at")),
)

ListEvent = LibraryCreated | BookingEvent


def changes(recorded: Recorded) -> tuple[RowChange, ...]:
    event = recorded.event
    if not isinstance(event, ListEvent):
        return ()
    match event:
        case LibraryCreated():
            return (PutRow(OWNERS, {"library_id": event.library_id, "owner_id": event.owner_id}),)
        case BookingCreated():
            return (PutRow(BOOKINGS, _booking(event, recorded)),)
        case BookingCancelled():
            return (_set(event, recorded, {"cancelled_late": event.late}),)
        case BookingCheckedIn() | BookingCheckedOut():
            return (_set(event, recorded, {}),)
        case _ as unreachable:
            assert_never(unreachable)


def _set(event: BookingEvent, recorded: Recorded, values: Values) -> SetColumns:
    changed = {"status": event.status, "changed_at": recorded.metadata.time}
    return SetColumns(BOOKINGS, {"booking_id": event.booking_id}, {**changed, **values})


def _booking(event: BookingCreated, recorded: Recorded) -> Values:
    return {
        "booking_id": event.booking_id,
        "library_id": event.library_id,
        "seat_id": event.seat_id,
        "user_id": event.user_id,
        "occupation": event.occupation,
        "starts_at": event.start,
        "ends_at": event.end,
        "status": event.status,
        "amount_minor": event.amount_minor,
        "currency": event.currency,
        "plan_id": event.plan_id,
        "price_version": event.price_version,
        "check_in_from": event.check_in_from,
        "check_in_until": event.check_in_until,
        "free_cancel_until": event.free_cancel_until,
        "cancelled_late": None,
        "created_at": recorded.metadata.time,
        "changed_at": recorded.metadata.time,
    }


PROJECTION = Projection(
    name="bookings",
    version=1,
    tables=(OWNERS, BOOKINGS),
    event_classes=get_args(ListEvent),
    key=("booking_id", "library_id"),
    changes=changes,
)
