"""The one rule table: which rooms see an event, under which name, in which view."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from studyspot.domain.events import (
    AccountEvent,
    AnnouncementMade,
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingCreated,
    BookingEvent,
    BookingFacts,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
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
    NotificationRead,
    NotificationSent,
    PaymentEvent,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
    SeatEvent,
    SeatRemoved,
    SeatUpdated,
    StaffEvent,
    WaitlistAccepted,
    WaitlistEvent,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferLapsed,
)
from studyspot.ws_fanout import views
from studyspot.ws_fanout.room_names import EVERYONE, OWNERS, STUDENTS, library_room, staff_room, user_room
from studyspot.ws_fanout.views import SeatState, View


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
    if isinstance(event, LibraryEvent):
        return _route_of_library(event)
    if isinstance(event, SeatEvent):
        return _route_of_seat(event)
    if isinstance(event, HoldEvent):
        return _route_of_hold(event)
    if isinstance(event, BookingEvent):
        return _route_of_booking(event)
    if isinstance(event, PaymentEvent):
        return Route(_party(event, "booking:updated"))
    if isinstance(event, NoticeEvent):
        return _route_of_notice(event)
    if isinstance(event, WaitlistEvent):
        return _route_of_waitlist(event)
    if isinstance(event, StaffEvent | AccountEvent):
        # They change who may be where, and are shown to nobody.
        return Route({})
    assert_never(event)


def _route_of_library(event: LibraryEvent) -> Route:
    library_id = event.library_id
    match event:
        case LibraryCreated():
            return _to_library(library_id, "library:created", views.LIBRARY_CREATED, STUDENTS, OWNERS)
        case LibraryUpdated():
            return _to_library(library_id, "library:updated", views.LIBRARY_UPDATED, STUDENTS, OWNERS)
        case LibraryDeleted():
            return _to_library(library_id, "library:deleted", views.LIBRARY_DELETED, STUDENTS, OWNERS)
        case LibraryHoursSet():
            return _to_library(library_id, "library:updated", views.HOURS, STUDENTS, OWNERS)
        case LibraryRulesSet():
            return _to_library(library_id, "library:updated", views.RULES, STUDENTS, OWNERS)
        case ClosureAnnounced() | ClosureWithdrawn():
            return _to_library(library_id, "library:updated", views.CLOSURE, STUDENTS, OWNERS)
        case PricingUpdated():
            return _to_library(library_id, "pricing:updated", views.PRICING, STUDENTS)
        case _ as unreachable:
            assert_never(unreachable)


def _route_of_seat(event: SeatEvent) -> Route:
    match event:
        case SeatAdded() | SeatUpdated() | SeatRemoved():
            return _to_library(event.library_id, "library:updated", views.SEAT)
        case SeatAvailabilityChanged(in_service=in_service):
            sights = _seat(event.library_id, views.STAFF_SEAT)
            return Route(sights, "free" if in_service else "out-of-service")
        case _ as unreachable:
            assert_never(unreachable)


def _route_of_hold(event: HoldEvent) -> Route:
    """Only the library's staff see who keeps the seat."""
    sights = _seat(event.library_id, views.STAFF_HOLD)
    match event:
        case HoldPlaced():
            return Route(sights, "held")
        case HoldReleased() | HoldLapsed():
            return Route(sights, "free")
        case _ as unreachable:
            assert_never(unreachable)


def _route_of_booking(event: BookingEvent) -> Route:
    match event:
        case BookingCreated():
            return _of_booking(event, "booking:created", "booked", {OWNERS: views.SUMMARY})
        case BookingRescheduled():
            return _of_booking(event, "booking:updated", "booked")
        case BookingCancelled():
            return _of_booking(event, "booking:cancelled", "free")
        case BookingCheckedIn():
            return _of_booking(event, "booking:checkin", "occupied")
        case BookingCheckedOut():
            return _of_booking(event, "booking:checkout", "free")
        case BookingCompleted() | BookingNoShow() | BookingRevoked():
            return _of_booking(event, "booking:updated", "free")
        case _ as unreachable:
            assert_never(unreachable)


def _route_of_waitlist(event: WaitlistEvent) -> Route:
    match event:
        case WaitlistOffered():
            return Route({user_room(event.user_id): Sight("notification", views.OFFER)})
        case WaitlistJoined() | WaitlistLeft() | WaitlistOfferLapsed() | WaitlistAccepted():
            return Route({})
        case _ as unreachable:
            assert_never(unreachable)


def _route_of_notice(event: NoticeEvent) -> Route:
    match event:
        case NotificationSent():
            return Route({user_room(event.user_id): Sight("notification", views.NOTIFICATION)})
        case AnnouncementMade():
            return Route({EVERYONE: Sight("global:notification", views.ANNOUNCEMENT)})
        case NotificationRead():
            return Route({})
        case _ as unreachable:
            assert_never(unreachable)


def _of_booking(
    event: BookingFacts, name: str, state: SeatState, others: Mapping[str, View] | None = None
) -> Route:
    """The party sees all of it, the public that a seat is taken or free."""
    sights = _party(event, name)
    for room, view in (others or {}).items():
        sights[room] = Sight(name, view)
    sights[library_room(event.library_id)] = Sight("seat:availability", views.PUBLIC_SEAT)
    return Route(sights, state)


def _party(event: BookingFacts, name: str) -> dict[str, Sight]:
    return {
        user_room(event.user_id): Sight(name, views.FULL),
        staff_room(event.library_id): Sight(name, views.STAFF),
    }


def _seat(library_id: str, staff_view: View) -> dict[str, Sight]:
    return {
        library_room(library_id): Sight("seat:availability", views.PUBLIC_SEAT),
        staff_room(library_id): Sight("seat:availability", staff_view),
    }


def _to_library(library_id: str, name: str, view: View, *others: str) -> Route:
    """The library's rooms, and `others`, all see the same."""
    sight = Sight(name, view)
    return Route(dict.fromkeys((*others, library_room(library_id), staff_room(library_id)), sight))
