"""What an owner decides about seats: add, change and remove them, take one out of service and back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import (
    Event,
    LibraryEvent,
    SeatAdded,
    SeatAvailabilityChanged,
    SeatEvent,
    SeatRemoved,
    SeatUpdated,
    StaffEvent,
)
from studyspot.domain.library import Library, evolve_library, managed, settings_of
from studyspot.domain.people import Actor
from studyspot.domain.refusals import LibraryFull, SeatInService, SeatLabelTaken, SeatUnknown
from studyspot.domain.rules import MOST_SEATS
from studyspot.domain.seat import Seat, events_of_seat, evolve_seat
from studyspot.domain.tags import library as library_tag

Attributes = Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class NewSeat:
    seat_id: str
    label: str
    zone: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class AddSeats:
    library_id: str
    seats: tuple[NewSeat, ...]
    actor: Actor


@dataclass(frozen=True, slots=True)
class ChangeSeat:
    """Call it something else, take it out of service, or put it back; what is none stays.

    Bookings of a seat out of service are moved until `revoke_at`, and revoked then; by default at once.
    """

    library_id: str
    seat_id: str
    actor: Actor
    at: datetime
    label: str | None = None
    zone: str | None = None
    attributes: Attributes | None = None
    in_service: bool | None = None
    revoke_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoveSeat:
    """Remove a seat that is out of service; bookings that are left on it are revoked."""

    library_id: str
    seat_id: str
    actor: Actor
    at: datetime


@dataclass(slots=True)
class SeatPlan:
    """A library and its seats, by id."""

    library: Library | None = None
    seats: dict[str, Seat] = field(default_factory=dict)

    def labels(self) -> set[str]:
        return {seat.label for seat in self.standing()}

    def standing(self) -> Iterator[Seat]:
        """Yield the seats that have not been removed."""
        return (seat for seat in self.seats.values() if not seat.removed)


def evolve_plan(plan: SeatPlan, event: Event) -> SeatPlan:
    if isinstance(event, LibraryEvent | StaffEvent):
        plan.library = evolve_library(plan.library, event)
    elif isinstance(event, SeatEvent):
        seat = evolve_seat(plan.seats.get(event.seat_id), event)
        if seat is not None:
            plan.seats[seat.seat_id] = seat
    return plan


def all_seats(library_id: str) -> Boundary:
    types = (SeatAdded, SeatUpdated, SeatRemoved)
    return (*settings_of(library_id), Criterion(types, library_tag(library_id)))


def _boundary_of_adding(command: AddSeats, plan: SeatPlan) -> Boundary:
    return all_seats(command.library_id)


def _decide_adding(command: AddSeats, plan: SeatPlan) -> tuple[Event, ...]:
    library = managed(plan.library, command.actor)
    standing = sum(1 for _ in plan.standing())
    if standing + len(command.seats) > MOST_SEATS:
        raise LibraryFull
    labels = plan.labels()
    for seat in command.seats:
        if seat.label in labels:
            raise SeatLabelTaken(seat.label)
        labels.add(seat.label)
    return tuple(
        SeatAdded(
            library_id=library.library_id,
            seat_id=seat.seat_id,
            label=seat.label,
            zone=seat.zone,
            attributes=seat.attributes,
        )
        for seat in command.seats
    )


def _boundary_of_changing(command: ChangeSeat, plan: SeatPlan) -> Boundary:
    own = events_of_seat(command.seat_id)
    if command.label is None:
        return (*settings_of(command.library_id), *own)
    return (*all_seats(command.library_id), *own)


def _decide_changing(command: ChangeSeat, plan: SeatPlan) -> tuple[Event, ...]:
    library, seat = managed(plan.library, command.actor), _seat(plan, command)
    events: list[Event] = []
    label = command.label if command.label is not None else seat.label
    zone = command.zone if command.zone is not None else seat.zone
    attributes = command.attributes if command.attributes is not None else seat.attributes
    if label != seat.label and label in plan.labels():
        raise SeatLabelTaken(label)
    if (label, zone, attributes) != (seat.label, seat.zone, seat.attributes):
        updated = SeatUpdated(
            library_id=library.library_id,
            seat_id=seat.seat_id,
            label=label,
            zone=zone,
            attributes=attributes,
        )
        events.append(updated)
    if _changes_service(command, seat):
        assert command.in_service is not None
        changed = SeatAvailabilityChanged(
            library_id=library.library_id,
            seat_id=seat.seat_id,
            in_service=command.in_service,
            revoke_at=None if command.in_service else command.revoke_at or command.at,
        )
        events.append(changed)
    return tuple(events)


def _changes_service(command: ChangeSeat, seat: Seat) -> bool:
    """Another time to revoke its bookings is a change too."""
    if command.in_service is None:
        return False
    if command.in_service != seat.in_service:
        return True
    return not seat.in_service and command.revoke_at not in (None, seat.revoke_at)


def _boundary_of_removing(command: RemoveSeat, plan: SeatPlan) -> Boundary:
    return (*settings_of(command.library_id), *events_of_seat(command.seat_id))


def _decide_removing(command: RemoveSeat, plan: SeatPlan) -> tuple[Event, ...]:
    library, seat = managed(plan.library, command.actor), _seat(plan, command)
    if seat.in_service:
        raise SeatInService
    return (SeatRemoved(library_id=library.library_id, seat_id=seat.seat_id, revoke_at=command.at),)


def _seat(plan: SeatPlan, command: ChangeSeat | RemoveSeat) -> Seat:
    seat = plan.seats.get(command.seat_id)
    if seat is None or seat.library_id != command.library_id or seat.removed:
        raise SeatUnknown
    return seat


ADD_SEATS = Decider(SeatPlan, evolve_plan, _boundary_of_adding, _decide_adding)
CHANGE_SEAT = Decider(SeatPlan, evolve_plan, _boundary_of_changing, _decide_changing)
REMOVE_SEAT = Decider(SeatPlan, evolve_plan, _boundary_of_removing, _decide_removing)
