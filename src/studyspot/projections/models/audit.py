"""Read model: who did what to others, or to what is everybody's.

What people do for themselves, and what time does, is not here: the log and each booking's history have it.
"""

from dataclasses import fields
from typing import Any, get_args

import orjson

from studyspot.catalogue.codec import Recorded
from studyspot.catalogue.types import type_of
from studyspot.domain.events import (
    AccountEvent,
    AnnouncementMade,
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    BookingRescheduled,
    BookingRevoked,
    Event,
    HoldPlaced,
    HoldReleased,
    LibraryEvent,
    NotificationSent,
    PaymentEvent,
    SeatEvent,
    StaffEvent,
    WaitlistJoined,
    WaitlistLeft,
)
from studyspot.domain.shape import camel_case
from studyspot.projections.projection import Projection, PutRow, RowChange, Table

ACTS = Table(
    "acts",
    {
        "entity_id": "text",
        "position": "bigint NOT NULL",
        "type": "text NOT NULL",
        "at": "timestamptz NOT NULL",
        "actor": "text",  # none where a policy did it
        "library_id": "text",
        "user_id": "text",
        "ids": "jsonb NOT NULL",  # of what the event is about, by the names that the event gives them
    },
    key=("entity_id", "position"),
    indexes=(("at",), ("actor", "at"), ("library_id", "at"), ("user_id", "at")),
)

_Common = LibraryEvent | SeatEvent | StaffEvent | AccountEvent | AnnouncementMade
# What somebody may do for another; where time alone does it, it has no actor.
_Personal = (
    *(BookingCreated, BookingRescheduled, BookingCancelled, BookingCheckedIn, BookingCheckedOut),
    *(BookingRevoked, *get_args(PaymentEvent), HoldPlaced, HoldReleased, NotificationSent),
    *(WaitlistJoined, WaitlistLeft),
)
_TOLD_APART = ("library_id", "user_id")
_KEY = (
    *("booking_id", "hold_id", "entry_id", "notification_id", "announcement_id"),
    *("seat_id", "library_id", "user_id"),
)


def changes(recorded: Recorded) -> tuple[RowChange, ...]:
    event, actor = recorded.event, recorded.metadata.actor
    if not isinstance(event, _Common) and not _for_another(event, actor):
        return ()
    row = {
        "entity_id": PROJECTION.key_of(event),
        "position": recorded.position,
        "type": type_of(type(event)),
        "at": recorded.metadata.time,
        "actor": actor,
        "library_id": getattr(event, "library_id", None),
        "user_id": getattr(event, "user_id", None) or getattr(event, "owner_id", None),
        "ids": _ids(event),
    }
    return (PutRow(ACTS, row),)


def _for_another(event: Event, actor: str | None) -> bool:
    return isinstance(event, _Personal) and actor not in (None, event.user_id)


_PERSONAL_TYPES = frozenset(type_of(event_class) for event_class in _Personal)


def passes_by(event_type: str, stored: bytes) -> bool:
    """Say of stored data whether somebody did it for themselves, or nobody did: nearly all that happens."""
    if event_type not in _PERSONAL_TYPES:
        return False
    try:
        record = orjson.loads(stored)
        return record["v"] == 1 and record["actor"] in (None, record["data"]["userId"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False


def _ids(event: Event) -> dict[str, Any]:
    names = (known.name for known in fields(event) if known.name.endswith("_id"))
    found = {name: getattr(event, name) for name in names if name not in _TOLD_APART}
    return {camel_case(name): value for name, value in found.items() if value is not None}


PROJECTION = Projection(
    name="audit",
    version=2,
    tables=(ACTS,),
    event_classes=(*get_args(_Common), *_Personal),
    key=_KEY,
    changes=changes,
    passes_by=passes_by,
)
