"""What an owner decides about seats: add them, take one out of service and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import Event, LibraryEvent, SeatAdded, SeatAvailabilityChanged, SeatEvent
from studyspot.domain.library import Library, evolve_library, managed, settings_of
from studyspot.domain.people import Actor
from studyspot.domain.refusals import LibraryFull, SeatLabelTaken, SeatUnknown
from studyspot.domain.rules import MOST_SEATS
from studyspot.domain.seat import Seat, events_of_seat, evolve_seat
from studyspot.domain.tags import library as library_tag


@dataclass(frozen=True, slots=True)
class NewSeat:
    seat_id: str
    label: str
    zone: str
    attributes: Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class AddSeats:
    library_id: str
    seats: tuple[NewSeat, ...]
    actor: Actor


@dataclass(frozen=True, slots=True)
class ChangeSeatService:
    """Take a seat out of service, or put it back."""

    library_id: str
    seat_id: str
    in_service: bool
    actor: Actor


@dataclass(slots=True)
class SeatPlan:
    """A library and its seats, by id."""

    library: Library | None = None
    seats: dict[str, Seat] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)


def _evolve(plan: SeatPlan, event: Event) -> SeatPlan:
    if isinstance(event, LibraryEvent):
        plan.library = evolve_library(plan.library, event)
    elif isinstance(event, SeatEvent):
        seat = evolve_seat(plan.seats.get(event.seat_id), event)
        if seat is not None:
            plan.seats[seat.seat_id] = seat
        if isinstance(event, SeatAdded):
            plan.labels.add(event.label)
    return plan


def _boundary_of_adding(command: AddSeats, plan: SeatPlan) -> Boundary:
    return (*settings_of(command.library_id), Criterion((SeatAdded,), library_tag(command.library_id)))


def _decide_adding(command: AddSeats, plan: SeatPlan) -> tuple[Event, ...]:
    library = managed(plan.library, command.actor)
    if len(plan.seats) + len(command.seats) > MOST_SEATS:
        raise LibraryFull
    labels = set(plan.labels)
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


def _boundary_of_service(command: ChangeSeatService, plan: SeatPlan) -> Boundary:
    return (*settings_of(command.library_id), *events_of_seat(command.seat_id))


def _decide_service(command: ChangeSeatService, plan: SeatPlan) -> tuple[Event, ...]:
    library = managed(plan.library, command.actor)
    seat = plan.seats.get(command.seat_id)
    if seat is None or seat.library_id != library.library_id:
        raise SeatUnknown
    if seat.in_service == command.in_service:
        return ()
    return (
        SeatAvailabilityChanged(
            library_id=library.library_id, seat_id=seat.seat_id, in_service=command.in_service
        ),
    )


ADD_SEATS = Decider(SeatPlan, _evolve, _boundary_of_adding, _decide_adding)
CHANGE_SEAT_SERVICE = Decider(SeatPlan, _evolve, _boundary_of_service, _decide_service)
