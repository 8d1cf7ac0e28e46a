"""A log told again to the deciders: what each would have decided, knowing what came before."""

from collections import defaultdict
from dataclasses import dataclass, field, fields
from typing import Any, assert_never

from studyspot.catalogue.codec import Metadata
from studyspot.domain.agenda import Agenda
from studyspot.domain.book_seat import BOOK_SEAT, BookSeat
from studyspot.domain.booking import Booking, evolve_booking
from studyspot.domain.booking_changes import (
    CANCEL_BOOKING,
    CHECK_IN,
    CHECK_OUT,
    CancelBooking,
    CheckIn,
    CheckOut,
)
from studyspot.domain.endings import COMPLETE_BOOKING, MISS_BOOKING, CompleteBooking, MissBooking
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
    Event,
    LibraryCreated,
    LibraryDeleted,
    LibraryDetails,
    LibraryEvent,
    LibraryHoursSet,
    LibraryRulesSet,
    LibraryUpdated,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
    SeatEvent,
    SeatRemoved,
    SeatUpdated,
)
from studyspot.domain.libraries import (
    ANNOUNCE_CLOSURE,
    CREATE_LIBRARY,
    SET_PRICING,
    UPDATE_LIBRARY,
    WITHDRAW_CLOSURE,
    AnnounceClosure,
    CreateLibrary,
    SetPricing,
    UpdateLibrary,
    WithdrawClosure,
)
from studyspot.domain.library import Library, evolve_library
from studyspot.domain.people import Actor
from studyspot.domain.seat import evolve_seat
from studyspot.domain.seats import (
    ADD_SEATS,
    CHANGE_SEAT,
    AddSeats,
    ChangeSeat,
    NewSeat,
    SeatPlan,
)
from studyspot.domain.standing import Standing

_NEVER = "the history holds no such event"


@dataclass
class Retelling:
    """Libraries, seats and bookings as the events so far left them."""

    libraries: dict[str, Library | None] = field(default_factory=dict)
    plans: dict[str, SeatPlan] = field(default_factory=lambda: defaultdict(SeatPlan))
    bookings: dict[str, Booking] = field(default_factory=dict)
    of_seat_or_student: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def take(self, event: Event) -> None:
        """Let the event have happened."""
        if isinstance(event, LibraryEvent):
            library = evolve_library(self.libraries.get(event.library_id), event)
            self.libraries[event.library_id] = library
            self.plans[event.library_id].library = library
        elif isinstance(event, BookingEvent):
            self.bookings[event.booking_id] = evolve_booking(self.bookings.get(event.booking_id), event)
            for key in (event.seat_id, event.user_id):
                self.of_seat_or_student[key].add(event.booking_id)
        elif isinstance(event, SeatEvent):
            plan = self.plans[event.library_id]
            seat = evolve_seat(plan.seats.get(event.seat_id), event)
            assert seat is not None
            plan.seats[event.seat_id] = seat
        else:
            raise AssertionError(_NEVER)

    def decided(self, event: Event, metadata: Metadata) -> Event:
        """Return what the command that led to this event comes to now; it must not be refused."""
        owner = Actor(metadata.actor or "", "library_owner")
        if isinstance(event, BookingEvent):
            events = self._of_booking(event, Actor(metadata.actor or "", "student"), metadata)
        elif isinstance(event, LibraryEvent):
            events = self._of_library(event, owner)
        elif isinstance(event, SeatEvent):
            events = self._of_seat(event, owner, metadata)
        else:
            raise AssertionError(_NEVER)
        (decided,) = events
        return decided

    def _of_booking(self, event: BookingEvent, actor: Actor, metadata: Metadata) -> tuple[Event, ...]:
        standing = Standing(self.bookings.get(event.booking_id))
        match event:
            case BookingCreated():
                return BOOK_SEAT.decide(_booked(event, actor, metadata), self._agenda(event))
            case BookingCancelled():
                cancel = CancelBooking(event.booking_id, event.reason_id, actor, metadata.time)
                return CANCEL_BOOKING.decide(cancel, standing)
            case BookingCheckedIn():
                arrived = CheckIn(event.booking_id, actor, metadata.time, code_verified=True)
                return CHECK_IN.decide(arrived, standing)
            case BookingCheckedOut():
                return CHECK_OUT.decide(CheckOut(event.booking_id, actor, metadata.time), standing)
            case BookingCompleted():
                return COMPLETE_BOOKING.decide(CompleteBooking(event.booking_id, metadata.time), standing)
            case BookingNoShow():
                return MISS_BOOKING.decide(MissBooking(event.booking_id, metadata.time), standing)
            case BookingRescheduled() | BookingRevoked():
                raise AssertionError(_NEVER)
            case _ as unreachable:
                assert_never(unreachable)

    def _agenda(self, event: BookingCreated) -> Agenda:
        known = self.of_seat_or_student[event.seat_id] | self.of_seat_or_student[event.user_id]
        return Agenda(
            self.libraries.get(event.library_id),
            self.plans[event.library_id].seats.get(event.seat_id),
            {booking_id: self.bookings[booking_id] for booking_id in known},
        )

    def _of_library(self, event: LibraryEvent, actor: Actor) -> tuple[Event, ...]:
        library, library_id = self.libraries.get(event.library_id), event.library_id
        match event:
            case LibraryCreated():
                return CREATE_LIBRARY.decide(CreateLibrary(library_id, event, event.currency, actor), library)
            case LibraryUpdated():
                return UPDATE_LIBRARY.decide(UpdateLibrary(library_id, _details(event), actor), library)
            case PricingUpdated():
                return SET_PRICING.decide(SetPricing(library_id, event.plans, actor), library)
            case ClosureAnnounced():
                announce = AnnounceClosure(library_id, event.closure_id, event.start, event.end, actor)
                return ANNOUNCE_CLOSURE.decide(announce, library)
            case ClosureWithdrawn():
                withdraw = WithdrawClosure(library_id, event.closure_id, actor)
                return WITHDRAW_CLOSURE.decide(withdraw, library)
            case LibraryDeleted() | LibraryHoursSet() | LibraryRulesSet():
                raise AssertionError(_NEVER)
            case _ as unreachable:
                assert_never(unreachable)

    def _of_seat(self, event: SeatEvent, actor: Actor, metadata: Metadata) -> tuple[Event, ...]:
        plan = self.plans[event.library_id]
        match event:
            case SeatAdded():
                seat = NewSeat(event.seat_id, event.label, event.zone, event.attributes)
                return ADD_SEATS.decide(AddSeats(event.library_id, (seat,), actor), plan)
            case SeatAvailabilityChanged():
                change = ChangeSeat(
                    event.library_id,
                    event.seat_id,
                    actor,
                    metadata.time,
                    in_service=event.in_service,
                    revoke_at=event.revoke_at,
                )
                return CHANGE_SEAT.decide(change, plan)
            case SeatUpdated() | SeatRemoved():
                raise AssertionError(_NEVER)
            case _ as unreachable:
                assert_never(unreachable)


def _booked(event: BookingCreated, actor: Actor, metadata: Metadata) -> BookSeat:
    command = BookSeat(
        booking_id=event.booking_id,
        occupation=event.occupation,
        library_id=event.library_id,
        seat_id=event.seat_id,
        user_id=None,
        start=event.start,
        end=event.end,
        plan_id=event.plan_id,
        actor=actor,
        at=metadata.time,
    )
    # It refuses what no booking may be: an end before its start, a start in the past.
    BOOK_SEAT.boundary(command, Agenda())
    return command


def _details(event: LibraryUpdated) -> dict[str, Any]:
    return {known.name: getattr(event, known.name) for known in fields(LibraryDetails)}
