"""The scene: what a payload tells beyond its event, folded from the events before it.

That is how a library is called and which clock hangs there, and which seats are taken when. Taking in again,
in order, what was taken in before ends in the same scene: so a node may learn of the past, and then read it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import assert_never
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from studyspot.catalogue.codec import Recorded
from studyspot.catalogue.subjects import subjects_of_type
from studyspot.catalogue.types import type_of
from studyspot.domain.events import (
    AccountEvent,
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
    LibraryCreated,
    LibraryDeleted,
    LibraryEvent,
    LibraryHoursSet,
    LibraryRulesSet,
    LibraryUpdated,
    NoticeEvent,
    OccupationFacts,
    PaymentEvent,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
    SeatEvent,
    SeatRemoved,
    SeatUpdated,
    StaffEvent,
    WaitlistEvent,
)

_LASTING = (LibraryCreated, LibraryUpdated, SeatAvailabilityChanged, SeatRemoved)
SCENE_SUBJECTS = tuple(subjects_of_type(type_of(one)) for one in _LASTING)
"""Of events that say how a library is called, what time it is there, and which seats are out of service."""

_FORGET_FROM = 32

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LibraryFacts:
    """How a library is called, and its clock."""

    name: str
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class _Taken:
    """A seat is taken in [start, until)."""

    start: datetime
    until: datetime


_Seat = tuple[str, str]


class _Occupations:
    """Who has one seat, and when."""

    __slots__ = ("_forget_at", "_taken")

    def __init__(self) -> None:
        self._taken: dict[str, _Taken] = {}
        self._forget_at = _FORGET_FROM

    def __bool__(self) -> bool:
        return bool(self._taken)

    def take(self, occupation: str, taken: _Taken, now: datetime) -> None:
        self._taken[occupation] = taken
        if len(self._taken) >= self._forget_at:
            # Mostly the log says that an occupation has ended; whoever should may be away.
            self._taken = {key: one for key, one in self._taken.items() if one.until > now}
            self._forget_at = max(_FORGET_FROM, 2 * len(self._taken))

    def free(self, occupation: str) -> None:
        self._taken.pop(occupation, None)

    def includes(self, at: datetime) -> bool:
        return any(taken.start <= at < taken.until for taken in self._taken.values())


class Scene:
    """What the events so far say about libraries and their seats."""

    def __init__(self, *, seats_taken_after: int = 0) -> None:
        """Begin where nothing is known of holds and bookings by events up to `seats_taken_after`."""
        self._seats_taken_after = seats_taken_after
        self._libraries: dict[str, LibraryFacts] = {}
        self._out_of_service: set[_Seat] = set()
        self._occupations: dict[_Seat, _Occupations] = {}

    def library(self, library_id: str) -> LibraryFacts | None:
        """Return what is known of a library, also of a retired one."""
        return self._libraries.get(library_id)

    def is_free(self, library_id: str, seat_id: str, at: datetime) -> bool:
        """Return whether the seat is in service and nobody has it at that moment.

        A hold ends by itself; a booking that nobody came to, when the log says so.
        """
        seat = (library_id, seat_id)
        if seat in self._out_of_service:
            return False
        occupations = self._occupations.get(seat)
        return occupations is None or not occupations.includes(at)

    def knows(self, position: int) -> bool:
        """Return whether what the event at this position takes, and whatever ended it since, is known."""
        return position > self._seats_taken_after

    def apply(self, recorded: Recorded) -> None:
        """Take in the next event."""
        event = recorded.event
        if isinstance(event, HoldEvent | BookingEvent):
            self._apply_to_occupation(event, recorded.metadata.time)
        elif isinstance(event, LibraryEvent):
            self._apply_to_library(event)
        elif isinstance(event, SeatEvent):
            self._apply_to_seat(event)
        elif isinstance(event, PaymentEvent | WaitlistEvent | StaffEvent | AccountEvent | NoticeEvent):
            return
        else:
            assert_never(event)

    def _apply_to_library(self, event: LibraryEvent) -> None:
        match event:
            case LibraryCreated() | LibraryUpdated():
                self._libraries[event.library_id] = LibraryFacts(event.name, _zone(event.time_zone))
            case (
                LibraryDeleted()
                | LibraryHoursSet()
                | LibraryRulesSet()
                | ClosureAnnounced()
                | ClosureWithdrawn()
                | PricingUpdated()
            ):
                return
            case _ as unreachable:
                assert_never(unreachable)

    def _apply_to_seat(self, event: SeatEvent) -> None:
        seat = (event.library_id, event.seat_id)
        match event:
            case SeatAvailabilityChanged(in_service=True):
                self._out_of_service.discard(seat)
            case SeatAvailabilityChanged() | SeatRemoved():
                self._out_of_service.add(seat)
            case SeatAdded() | SeatUpdated():
                return
            case _ as unreachable:
                assert_never(unreachable)

    def _apply_to_occupation(self, event: HoldEvent | BookingEvent, time: datetime) -> None:
        match event:
            case HoldPlaced():
                self._take(event, min(event.until, event.occupied_until), time)
            case BookingRescheduled():
                self._free(event, event.previous_seat_id)
                self._take(event, event.occupied_until, time)
            case BookingCreated() | BookingCheckedIn():
                self._take(event, event.occupied_until, time)
            case (
                HoldReleased()
                | HoldLapsed()
                | BookingCancelled()
                | BookingCheckedOut()
                | BookingCompleted()
                | BookingNoShow()
                | BookingRevoked()
            ):
                self._free(event, event.seat_id)
            case _ as unreachable:
                assert_never(unreachable)

    def _take(self, event: OccupationFacts, until: datetime, time: datetime) -> None:
        seat = (event.library_id, event.seat_id)
        occupations = self._occupations.get(seat)
        if occupations is None:
            occupations = self._occupations[seat] = _Occupations()
        occupations.take(event.occupation, _Taken(event.start, until), time)

    def _free(self, event: OccupationFacts, seat_id: str) -> None:
        seat = (event.library_id, seat_id)
        occupations = self._occupations.get(seat)
        if occupations is None:
            return
        occupations.free(event.occupation)
        if not occupations:
            del self._occupations[seat]


@cache
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        log.warning("time zone not known here", zone=name, reason=repr(error))
        return UTC
