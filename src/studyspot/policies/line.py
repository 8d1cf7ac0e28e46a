"""What each event changes in the lines of those who wait: who waits for what, which seats there are.

A line is a library's. It has the order of the domain: first who lost a booking there, then by joining.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

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
    ClosureAnnounced,
    ClosureWithdrawn,
    HoldEvent,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    LibraryHoursSet,
    LibraryRulesSet,
    LibraryUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
    SeatEvent,
    SeatRemoved,
    SeatUpdated,
    WaitlistAccepted,
    WaitlistEvent,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferLapsed,
)

LINE_EVENTS = (
    *(SeatAdded, SeatUpdated, SeatAvailabilityChanged, SeatRemoved),
    *(WaitlistJoined, WaitlistLeft, WaitlistOffered, WaitlistOfferLapsed, WaitlistAccepted),
    *(LibraryUpdated, LibraryHoursSet, LibraryRulesSet, ClosureAnnounced, ClosureWithdrawn),
)
"""Those that only lines follow, beside holds and bookings."""

Opening = LibraryUpdated | LibraryHoursSet | LibraryRulesSet | ClosureAnnounced | ClosureWithdrawn
"""What decides when a library may be had, and by which rules."""

Attributes = Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Somebody waits for a seat during [start, end); `in_turn` but for who lost a booking."""

    entry_id: str
    library_id: str
    in_turn: bool
    position: int
    start: datetime
    end: datetime
    zone: str | None
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Offered:
    """A seat is held for who waits; or, without `offered`, not any more, and they wait on at their place."""

    entry_id: str
    offered: bool


@dataclass(frozen=True, slots=True)
class WaitsNoMore:
    entry_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatIs:
    """A library has this seat; a new one is in service."""

    seat_id: str
    library_id: str
    zone: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class SeatServes:
    seat_id: str
    in_service: bool


@dataclass(frozen=True, slots=True)
class SeatGone:
    seat_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """Somebody who waits in the library may be offered a seat now: for some of [start, end), or any time."""

    library_id: str
    position: int
    time: datetime
    start: datetime | None = None
    end: datetime | None = None


LineChange = Waits | Offered | WaitsNoMore | SeatIs | SeatServes | SeatGone | Freed


def line_changes(recorded: Recorded) -> Iterable[LineChange]:
    """Yield what the event changes in lines, in order; that something may be free comes last."""
    event = recorded.event
    if isinstance(event, SeatEvent):
        yield _of_seat(event)
    elif isinstance(event, WaitlistEvent):
        yield _of_entry(recorded, event)
    if isinstance(event, HoldEvent | BookingEvent | SeatEvent | WaitlistEvent | Opening):
        yield from _freed(recorded, event)


def _of_seat(event: SeatEvent) -> LineChange:
    match event:
        case SeatAdded() | SeatUpdated():
            return SeatIs(
                seat_id=event.seat_id,
                library_id=event.library_id,
                zone=event.zone,
                attributes=event.attributes,
            )
        case SeatAvailabilityChanged():
            return SeatServes(event.seat_id, event.in_service)
        case SeatRemoved():
            return SeatGone(event.seat_id)
        case _ as unreachable:
            assert_never(unreachable)


def _of_entry(recorded: Recorded, event: WaitlistEvent) -> LineChange:
    match event:
        case WaitlistJoined():
            return Waits(
                entry_id=event.entry_id,
                library_id=event.library_id,
                in_turn=event.revoked_booking_id is None,
                position=recorded.position,
                start=event.start,
                end=event.end,
                zone=event.zone,
                attributes=event.attributes,
            )
        case WaitlistOffered():
            return Offered(event.entry_id, True)
        case WaitlistOfferLapsed(status="waiting"):
            return Offered(event.entry_id, False)
        case WaitlistOfferLapsed() | WaitlistLeft() | WaitlistAccepted():
            return WaitsNoMore(event.entry_id)
        case _ as unreachable:
            assert_never(unreachable)


def _freed(
    recorded: Recorded, event: HoldEvent | BookingEvent | SeatEvent | WaitlistEvent | Opening
) -> Iterable[Freed]:
    """Yield where a seat may be had that could not be had before, or by somebody else.

    A closure that is announced may be one that was longer; who joins or leaves changes whose turn it is.
    """
    match event:
        case HoldReleased() | HoldLapsed() | BookingCheckedOut() | BookingCompleted():
            yield _during(recorded, event.library_id, event.start, event.occupied_until)
        case BookingCancelled() | BookingNoShow() | BookingRevoked():
            yield _during(recorded, event.library_id, event.start, event.occupied_until)
        case BookingRescheduled():
            start, end = event.previous_start, event.previous_occupied_until
            yield _during(recorded, event.library_id, start, end)
        case WaitlistJoined() | WaitlistLeft() | WaitlistOfferLapsed():
            yield _during(recorded, event.library_id, event.start, event.end)
        case SeatAdded() | SeatUpdated() | SeatAvailabilityChanged(in_service=True):
            yield _during(recorded, event.library_id)
        case (
            LibraryUpdated() | LibraryHoursSet() | LibraryRulesSet() | ClosureAnnounced() | ClosureWithdrawn()
        ):
            yield _during(recorded, event.library_id)
        case HoldPlaced() | BookingCreated() | BookingCheckedIn():
            return
        case SeatAvailabilityChanged() | SeatRemoved() | WaitlistOffered() | WaitlistAccepted():
            return
        case _ as unreachable:
            assert_never(unreachable)


def _during(
    recorded: Recorded, library_id: str, start: datetime | None = None, end: datetime | None = None
) -> Freed:
    time = recorded.metadata.time
    return Freed(library_id=library_id, position=recorded.position, time=time, start=start, end=end)
