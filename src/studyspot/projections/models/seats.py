"""Read model: the seats of each library, and what occupies them when.

An occupation is a row from the event that takes the seat until the one that frees it; the clock alone ends
the rest, so a reader compares its interval, and a hold's `until`, with the time that it asks for.
Libraries are here as well, so that a map is told from an unknown library at one and the same position.
"""

from datetime import timedelta
from typing import Any, Literal, assert_never, get_args

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
    HoldEvent,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    LibraryCreated,
    OccupationFacts,
    SeatAdded,
    SeatAvailabilityChanged,
    SeatEvent,
    SeatRemoved,
    SeatUpdated,
)
from studyspot.domain.rules import LONGEST_BOOKING
from studyspot.projections.projection import (
    Projection,
    PutRow,
    RemoveRow,
    RowChange,
    SetColumns,
    Table,
    Values,
)

MAPS = Table("seat_maps", {"library_id": "text"}, key=("library_id",))
SEATS = Table(
    "seats",
    {
        "seat_id": "text",
        "library_id": "text NOT NULL",
        "label": "text NOT NULL",
        "zone": "text NOT NULL",
        "attributes": "jsonb NOT NULL",
        "in_service": "boolean NOT NULL",
        "added_at": "bigint NOT NULL",  # a position: seats stand in the order in which they were added
        "here_since": "timestamptz NOT NULL",
    },
    key=("seat_id",),
    indexes=(("library_id", "added_at"),),
)
OCCUPATIONS = Table(
    "occupations",
    {
        "occupation": "text",
        "library_id": "text NOT NULL",
        "seat_id": "text NOT NULL",
        "state": "text NOT NULL",  # held, booked or occupied
        "starts_at": "timestamptz NOT NULL",
        "ends_at": "timestamptz NOT NULL",  # the buffer after it included: then the seat is free
        "until": "timestamptz",  # when a hold ends by itself
        "span_days": "smallint NOT NULL",  # the least of SPANS_DAYS that holds the interval
    },
    key=("occupation",),
    indexes=(("library_id", "span_days", "starts_at"),),
)
LONGEST_BUFFER = timedelta(days=28)
"""No library's buffer is longer, nor near it."""

SPANS_DAYS = (1, 8, 32, (LONGEST_BOOKING + LONGEST_BUFFER).days)
"""What overlaps a moment began at most its span before: so a search reads neither history nor the future."""
_SPANS = tuple((span, timedelta(days=span)) for span in SPANS_DAYS)

MapEvent = LibraryCreated | SeatEvent | HoldEvent | BookingEvent
State = Literal["held", "booked", "occupied"]


def changes(recorded: Recorded) -> tuple[RowChange, ...]:
    event = recorded.event
    if not isinstance(event, MapEvent):
        return ()
    match event:
        case LibraryCreated():
            return (PutRow(MAPS, {"library_id": event.library_id}),)
        case SeatAdded():
            return (PutRow(SEATS, _seat(event, recorded)),)
        case SeatUpdated():
            return (SetColumns(SEATS, {"seat_id": event.seat_id}, _called(event)),)
        case SeatAvailabilityChanged():
            return (SetColumns(SEATS, {"seat_id": event.seat_id}, {"in_service": event.in_service}),)
        case SeatRemoved():
            return (RemoveRow(SEATS, {"seat_id": event.seat_id}),)
        case HoldPlaced():
            return (_taken(event, "held"),)
        case BookingCreated() | BookingRescheduled():
            return (_taken(event, "booked"),)
        case BookingCheckedIn():
            return (_taken(event, "occupied"),)
        case (
            HoldReleased()
            | HoldLapsed()
            | BookingCancelled()
            | BookingCheckedOut()
            | BookingCompleted()
            | BookingNoShow()
            | BookingRevoked()
        ):
            return (RemoveRow(OCCUPATIONS, {"occupation": event.occupation}),)
        case _ as unreachable:
            assert_never(unreachable)


def _seat(event: SeatAdded, recorded: Recorded) -> Values:
    return {
        "seat_id": event.seat_id,
        "library_id": event.library_id,
        **_called(event),
        "in_service": True,
        "added_at": recorded.position,
        "here_since": recorded.metadata.time,
    }


def _called(event: SeatAdded | SeatUpdated) -> dict[str, Any]:
    return {"label": event.label, "zone": event.zone, "attributes": dict(event.attributes)}


def _taken(event: OccupationFacts, state: State) -> PutRow:
    """The same row however often the occupation changes: a booking takes the place of its hold."""
    row = {
        "occupation": event.occupation,
        "library_id": event.library_id,
        "seat_id": event.seat_id,
        "state": state,
        "starts_at": event.start,
        "ends_at": event.occupied_until,
        "until": event.until if isinstance(event, HoldPlaced) else None,
        "span_days": _span(event.occupied_until - event.start),
    }
    return PutRow(OCCUPATIONS, row)


def _span(length: timedelta) -> int:
    for span, longest in _SPANS:
        if length <= longest:
            return span
    return SPANS_DAYS[-1]


PROJECTION = Projection(
    name="seats",
    version=2,
    tables=(MAPS, SEATS, OCCUPATIONS),
    event_classes=get_args(MapEvent),
    key=("occupation", "seat_id", "library_id"),
    changes=changes,
)
