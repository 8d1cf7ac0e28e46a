"""What is looked at without being changed: a library, one of its seats, a booking by one of its parties."""

from dataclasses import dataclass

from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import Event
from studyspot.domain.library import managed, settings_of
from studyspot.domain.people import Actor
from studyspot.domain.quotes import Offer, evolve_offer
from studyspot.domain.refusals import LibraryUnknown, NoSuchSeat
from studyspot.domain.seat import events_of_seat
from studyspot.domain.seats import Attributes, SeatPlan, all_seats, evolve_plan
from studyspot.domain.standing import (
    Standing,
    boundary_of_party,
    events_of_booking_and_payments,
    evolve_standing,
    seen_by_party,
)
from studyspot.domain.waiting import would_do


@dataclass(frozen=True, slots=True)
class SeeLibrary:
    """Look at a library, retired or not, and at one of its seats, where one is named."""

    library_id: str
    seat_id: str | None = None


@dataclass(frozen=True, slots=True)
class SeeSuchSeats:
    """Look at the seats of a library, of which one at least is of `zone` and has all of `attributes`."""

    library_id: str
    zone: str | None
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class SeeOwnLibrary:
    """Look at a library as one who runs it."""

    library_id: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class SeeBooking:
    """Look at a booking as its student or its library; in place, also at its library and seat."""

    booking_id: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class FindStudent:
    """Find out whose booking it is, on behalf of whoever changes it; nobody is refused, or told."""

    booking_id: str


def _boundary_of_library(command: SeeLibrary, offer: Offer) -> Boundary:
    seat = events_of_seat(command.seat_id) if command.seat_id is not None else ()
    return (*settings_of(command.library_id), *seat)


def _decide_library(command: SeeLibrary, offer: Offer) -> tuple[Event, ...]:
    if offer.library is None:
        raise LibraryUnknown
    return ()


def _boundary_of_seats(command: SeeSuchSeats, plan: SeatPlan) -> Boundary:
    return all_seats(command.library_id)


def _decide_seats(command: SeeSuchSeats, plan: SeatPlan) -> tuple[Event, ...]:
    if plan.library is None:
        raise LibraryUnknown
    if not any(would_do(seat, command.zone, command.attributes) for seat in plan.standing()):
        raise NoSuchSeat
    return ()


def _boundary_of_own_library(command: SeeOwnLibrary, offer: Offer) -> Boundary:
    return settings_of(command.library_id)


def _decide_own_library(command: SeeOwnLibrary, offer: Offer) -> tuple[Event, ...]:
    managed(offer.library, command.actor)
    return ()


def _boundary_of_booking(command: SeeBooking, standing: Standing) -> Boundary:
    return boundary_of_party(command.booking_id, command.actor, standing)


def _boundary_in_place(command: SeeBooking, standing: Standing) -> Boundary:
    own = events_of_booking_and_payments(command.booking_id)
    if standing.booking is None:
        return own
    facts = standing.booking.facts
    return (*own, *settings_of(facts.library_id), *events_of_seat(facts.seat_id))


def _decide_booking(command: SeeBooking, standing: Standing) -> tuple[Event, ...]:
    seen_by_party(standing, command.actor)
    return ()


def _boundary_of_student(command: FindStudent, standing: Standing) -> Boundary:
    return events_of_booking_and_payments(command.booking_id)


def _decide_student(command: FindStudent, standing: Standing) -> tuple[Event, ...]:
    return ()


SEE_LIBRARY = Decider(Offer, evolve_offer, _boundary_of_library, _decide_library)
SEE_SUCH_SEATS = Decider(SeatPlan, evolve_plan, _boundary_of_seats, _decide_seats)
SEE_OWN_LIBRARY = Decider(Offer, evolve_offer, _boundary_of_own_library, _decide_own_library)
SEE_BOOKING = Decider(Standing, evolve_standing, _boundary_of_booking, _decide_booking)
SEE_BOOKING_IN_PLACE = Decider(Standing, evolve_standing, _boundary_in_place, _decide_booking)
FIND_STUDENT = Decider(Standing, evolve_standing, _boundary_of_student, _decide_student)
