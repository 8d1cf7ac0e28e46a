"""The one rule table: which rooms see an event, under which name, in which view."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from studyspot.catalogue.subjects import (
    subjects_of_entity,
    subjects_of_library,
    subjects_of_type,
    subjects_of_user,
)
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    BookingFacts,
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    LibraryCreated,
    LibraryDeleted,
    LibraryUpdated,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
)
from studyspot.domain.people import Role
from studyspot.ws_fanout import views
from studyspot.ws_fanout.views import SeatState, View

EVERYONE = "everyone"
STUDENTS = "role:student"
OWNERS = "role:library_owner"


def user_room(user_id: str) -> str:
    return f"user:{user_id}"


def role_room(role: Role) -> str:
    return f"role:{role}"


def library_room(library_id: str) -> str:
    return f"library:{library_id}"


def staff_room(library_id: str) -> str:
    return f"library:{library_id}:staff"


@dataclass(frozen=True, slots=True)
class Sight:
    """How a room sees an event: the event's name on the wire, and the view."""

    name: str
    view: View


@dataclass(frozen=True, slots=True)
class Route:
    """The rooms that see an event, in the order in which frames name them; and the seat's state after it."""

    sights: Mapping[str, Sight]
    state: SeatState | None = None


def route(event: Event) -> Route:
    """Return who sees this event, and how."""
    match event:
        case BookingCreated():
            return _of_booking(event, "booking:created", "booked", {OWNERS: views.SUMMARY})
        case BookingCancelled():
            return _of_booking(event, "booking:cancelled", "free")
        case BookingCheckedIn():
            return _of_booking(event, "booking:checkin", "occupied")
        case BookingCheckedOut():
            return _of_booking(event, "booking:checkout", "free")
        case SeatAvailabilityChanged():
            return _of_service(event)
        case SeatAdded():
            return _to_library(event.library_id, "library:updated", views.SEAT_ADDED)
        case LibraryCreated():
            return _to_library(event.library_id, "library:created", views.LIBRARY_CREATED, STUDENTS, OWNERS)
        case LibraryUpdated():
            return _to_library(event.library_id, "library:updated", views.LIBRARY_UPDATED, STUDENTS, OWNERS)
        case LibraryDeleted():
            return _to_library(event.library_id, "library:deleted", views.LIBRARY_DELETED, STUDENTS, OWNERS)
        case ClosureAnnounced() | ClosureWithdrawn():
            return _to_library(event.library_id, "library:updated", views.CLOSURE, STUDENTS, OWNERS)
        case PricingUpdated():
            return _to_library(event.library_id, "pricing:updated", views.PRICING, STUDENTS)
        case _ as unreachable:
            assert_never(unreachable)


def subjects_of(room: str) -> tuple[str, ...]:
    """Return the subjects of every event that the room sees, and perhaps of some that it does not."""
    kind, _, rest = room.partition(":")
    match kind:
        case "user":
            return (subjects_of_user(rest),)
        case "library":
            return (subjects_of_library(rest.removesuffix(":staff")),)
        case "role" if room == OWNERS:
            return (*_OF_ROLES, subjects_of_type("booking.created"))
        case "role" if room == STUDENTS:
            return (*_OF_ROLES, subjects_of_entity("pricing"))
        case _:
            return ()


_OF_ROLES = (subjects_of_entity("library"), subjects_of_entity("closure"))


def _of_booking(
    event: BookingFacts, name: str, state: SeatState, others: Mapping[str, View] | None = None
) -> Route:
    """The party sees all of it, the public that a seat is taken or free."""
    sights = {
        user_room(event.user_id): Sight(name, views.FULL),
        staff_room(event.library_id): Sight(name, views.STAFF),
    }
    for room, view in (others or {}).items():
        sights[room] = Sight(name, view)
    sights[library_room(event.library_id)] = Sight("seat:availability", views.PUBLIC_SEAT)
    return Route(sights, state)


def _of_service(event: SeatAvailabilityChanged) -> Route:
    sights = {
        library_room(event.library_id): Sight("seat:availability", views.PUBLIC_SEAT),
        staff_room(event.library_id): Sight("seat:availability", views.STAFF_SEAT),
    }
    return Route(sights, "free" if event.in_service else "out-of-service")


def _to_library(library_id: str, name: str, view: View, *others: str) -> Route:
    """The library's rooms, and `others`, all see the same."""
    sight = Sight(name, view)
    return Route(dict.fromkeys((*others, library_room(library_id), staff_room(library_id)), sight))
