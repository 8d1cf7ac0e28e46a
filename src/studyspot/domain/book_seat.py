"""Book a seat: no two bookings overlap on a seat, and none of one student, whatever else happens at once."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from studyspot.domain.booking import BOOKING_EVENTS, Booking, evolve_booking, occupies
from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import BookingCreated, Event, LibraryEvent, SeatEvent
from studyspot.domain.library import Library, evolve_library, open_for_changes, settings_of
from studyspot.domain.people import Actor
from studyspot.domain.pricing import amount_minor, plan_for
from studyspot.domain.refusals import (
    BeyondHorizon,
    BookingTooLong,
    BookingTooShort,
    EndNotAfterStart,
    LibraryClosed,
    NotForOthers,
    NotYourLibrary,
    SeatOutOfService,
    SeatTaken,
    SeatUnknown,
    StartInThePast,
    StudentBusy,
    StudentRequired,
)
from studyspot.domain.rules import DEFAULT_RULES, HORIZON, LONGEST_BOOKING, SHORTEST_BOOKING, WALK_IN_GRACE
from studyspot.domain.seat import Seat, events_of_seat, evolve_seat
from studyspot.domain.tags import seat_days, student_weeks


@dataclass(frozen=True, slots=True)
class BookSeat:
    """Book [start, end) in UTC for `user_id`, or for the actor; `occupation` is a random id."""

    booking_id: str
    occupation: str
    library_id: str
    seat_id: str
    user_id: str | None
    start: datetime
    end: datetime
    plan_id: str | None
    actor: Actor
    at: datetime


@dataclass(slots=True)
class Situation:
    """What a booking depends on: library, seat, and every booking of its days and of the student's weeks."""

    library: Library | None = None
    seat: Seat | None = None
    bookings: dict[str, Booking] = field(default_factory=dict)


def _boundary(command: BookSeat, situation: Situation) -> Boundary:
    _require_interval(command)
    settings = (*settings_of(command.library_id), *events_of_seat(command.seat_id))
    days = seat_days(command.seat_id, command.start, command.end)
    weeks = student_weeks(_student(command), command.start, command.end)
    return (*settings, *(Criterion(BOOKING_EVENTS, tag) for tag in (*days, *weeks)))


def _evolve(situation: Situation, event: Event) -> Situation:
    if isinstance(event, LibraryEvent):
        situation.library = evolve_library(situation.library, event)
    elif isinstance(event, SeatEvent):
        situation.seat = evolve_seat(situation.seat, event)
    else:
        before = situation.bookings.get(event.booking_id)
        situation.bookings[event.booking_id] = evolve_booking(before, event)
    return situation


def _decide(command: BookSeat, situation: Situation) -> tuple[Event, ...]:
    library = open_for_changes(situation.library)
    if command.actor.role != "student" and not library.managed_by(command.actor):
        raise NotYourLibrary
    seat = situation.seat
    if seat is None or seat.library_id != library.library_id:
        raise SeatUnknown
    if not seat.in_service:
        raise SeatOutOfService
    if library.closed_during(command.start, command.end):
        raise LibraryClosed
    student = _student(command)
    for booking in situation.bookings.values():
        if not occupies(booking, command.start, command.end):
            continue
        if booking.facts.seat_id == command.seat_id:
            raise SeatTaken(command.seat_id, booking.facts.start, booking.facts.end)
        if booking.facts.user_id == student:
            own = command.actor.user_id == student
            raise StudentBusy(booking.facts.booking_id if own else None)
    return (_created(command, student, library, seat),)


def _created(command: BookSeat, student: str, library: Library, seat: Seat) -> BookingCreated:
    zone = ZoneInfo(library.details.time_zone)
    plan = plan_for(library.pricing, command.plan_id, seat.zone, command.start, command.end, zone)
    rules = DEFAULT_RULES
    closes = max(command.start, command.at) + rules.check_in_closes
    return BookingCreated(
        booking_id=command.booking_id,
        occupation=command.occupation,
        library_id=library.library_id,
        seat_id=seat.seat_id,
        user_id=student,
        start=command.start,
        end=command.end,
        amount_minor=amount_minor(plan, command.start, command.end, zone) if plan else 0,
        currency=library.currency,
        plan_id=plan.id if plan else None,
        price_version=library.pricing.price_version if plan and library.pricing else None,
        check_in_from=command.start + rules.check_in_opens,
        check_in_until=min(command.end, closes),
        free_cancel_until=command.start - rules.free_cancel_cutoff,
    )


def _student(command: BookSeat) -> str:
    if command.actor.role == "student":
        if command.user_id not in (None, command.actor.user_id):
            raise NotForOthers
        return command.actor.user_id
    if command.user_id is None:
        raise StudentRequired
    return command.user_id


def _require_interval(command: BookSeat) -> None:
    """Bound the interval before its tags are read."""
    if command.end <= command.start:
        raise EndNotAfterStart
    if command.start < command.at.astimezone(UTC) - WALK_IN_GRACE:
        raise StartInThePast
    if command.end <= command.at:
        raise StartInThePast
    if command.end - command.start < SHORTEST_BOOKING:
        raise BookingTooShort(SHORTEST_BOOKING)
    if command.end - command.start > LONGEST_BOOKING:
        raise BookingTooLong(LONGEST_BOOKING)
    if command.end > command.at + HORIZON:
        raise BeyondHorizon(HORIZON)


BOOK_SEAT = Decider(Situation, _evolve, _boundary, _decide)
