"""Read model: who waits for a seat, since when, and what they were offered."""

from typing import Any, assert_never, get_args

from studyspot.catalogue.codec import Recorded
from studyspot.domain.events import (
    WaitlistAccepted,
    WaitlistEvent,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferLapsed,
)
from studyspot.projections.projection import Projection, PutRow, RowChange, SetColumns, Table

ENTRIES = Table(
    "waitlist_entries",
    {
        "entry_id": "text",
        "library_id": "text NOT NULL",
        "user_id": "text NOT NULL",
        "starts_at": "timestamptz NOT NULL",
        "ends_at": "timestamptz NOT NULL",
        "zone": "text",
        "attributes": "jsonb NOT NULL",
        "status": "text NOT NULL",
        "joined_at": "timestamptz NOT NULL",
        "position": "bigint NOT NULL",  # of joining: the order in which they wait
        "revoked_booking_id": "text",  # who has one waits before all who have none
        "hold_id": "text",  # of the newest offer, with its seat and its end
        "seat_id": "text",
        "until": "timestamptz",
        "booking_id": "text",
        "left_reason": "text",
        "changed_at": "timestamptz NOT NULL",
    },
    key=("entry_id",),
    indexes=(("user_id", "position"), ("library_id", "starts_at")),
)


def changes(recorded: Recorded) -> tuple[RowChange, ...]:
    event = recorded.event
    if not isinstance(event, WaitlistEvent):
        return ()
    match event:
        case WaitlistJoined():
            return (_joined(recorded, event),)
        case WaitlistLeft():
            return (_set(recorded, event, left_reason=event.reason),)
        case WaitlistOffered():
            return (_set(recorded, event, hold_id=event.hold_id, seat_id=event.seat_id, until=event.until),)
        case WaitlistOfferLapsed():
            return (_set(recorded, event, hold_id=None, seat_id=None, until=None),)
        case WaitlistAccepted():
            return (_set(recorded, event, booking_id=event.booking_id),)
        case _ as unreachable:
            assert_never(unreachable)


def _joined(recorded: Recorded, event: WaitlistJoined) -> PutRow:
    row = {
        "entry_id": event.entry_id,
        "library_id": event.library_id,
        "user_id": event.user_id,
        "starts_at": event.start,
        "ends_at": event.end,
        "zone": event.zone,
        "attributes": dict(event.attributes),
        "status": event.status,
        "joined_at": recorded.metadata.time,
        "position": recorded.position,
        "revoked_booking_id": event.revoked_booking_id,
        "hold_id": None,
        "seat_id": None,
        "until": None,
        "booking_id": None,
        "left_reason": None,
        "changed_at": recorded.metadata.time,
    }
    return PutRow(ENTRIES, row)


def _set(recorded: Recorded, event: WaitlistEvent, **values: Any) -> SetColumns:
    changed = {"status": event.status, "changed_at": recorded.metadata.time}
    return SetColumns(ENTRIES, {"entry_id": event.entry_id}, {**changed, **values})


PROJECTION = Projection(
    name="waitlist",
    version=1,
    tables=(ENTRIES,),
    event_classes=get_args(WaitlistEvent),
    key=("entry_id",),
    changes=changes,
)
