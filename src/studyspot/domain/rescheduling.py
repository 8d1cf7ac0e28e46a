"""Another time or another seat for a booking, re-decided as a whole under the rules and prices of now.

Nothing of the days that it leaves matters to the decision; its event carries their tags, so that whoever
depends on them sees it go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from studyspot.domain.agenda import Agenda, evolve_agenda
from studyspot.domain.awaited import waits_no_more
from studyspot.domain.book_seat import Deadlines, deadlines
from studyspot.domain.booking import (
    Cancelled,
    CheckedIn,
    Completed,
    Confirmed,
    NoShow,
    Revoked,
    is_missed,
)
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.endings import impediments
from studyspot.domain.events import BookingRescheduled, BookingTerms, Event, PaymentEvent, SeatEvent
from studyspot.domain.library import Library
from studyspot.domain.occupying import Admission, Wish, admit, boundary_of, interval_refusal, require_interval
from studyspot.domain.people import Actor
from studyspot.domain.pricing import Price, applicable_plans
from studyspot.domain.quotes import Quote, settled_price
from studyspot.domain.refusals import (
    BookingMissed,
    BookingUnaffected,
    BookingUnknown,
    CheckedInAlready,
    ConsentRequired,
    NothingToReschedule,
    PriceHigher,
    SeatNotAlike,
    TooLateToReschedule,
)
from studyspot.domain.seat import Seat, events_of_seat, evolve_seat
from studyspot.domain.standing import (
    Standing,
    boundary_of_party,
    ended_already,
    refund,
    seen_by_library,
    seen_by_party,
)


@dataclass(frozen=True, slots=True)
class RescheduleBooking:
    """What is none stays as it is, but for the price."""

    booking_id: str
    seat_id: str | None
    start: datetime | None
    end: datetime | None
    plan_id: str | None
    actor: Actor
    at: datetime
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class MoveAffected(RescheduleBooking):
    """The library moves a booking that cannot take place: to a seat that is alike, and no dearer."""

    consented: bool = False


@dataclass(slots=True)
class Move:
    """The agenda of where the booking goes, itself among its bookings; what was paid; the seats, by id."""

    agenda: Agenda = field(default_factory=Agenda)
    paid_minor: dict[str, int] = field(default_factory=dict)
    seats: dict[str, Seat] = field(default_factory=dict)


def _evolve(move: Move, event: Event) -> Move:
    if isinstance(event, SeatEvent):
        seat = evolve_seat(move.seats.get(event.seat_id), event)
        if seat is not None:
            move.seats[event.seat_id] = seat
    elif isinstance(event, PaymentEvent):
        move.paid_minor[event.booking_id] = event.paid_minor
    else:
        move.agenda = evolve_agenda(move.agenda, event)
    return move


def _boundary(command: RescheduleBooking, move: Move) -> Boundary:
    standing = _standing(command, move)
    own = boundary_of_party(command.booking_id, command.actor, standing)
    known = command.actor.role == "student" or standing.library is not None
    if not isinstance(standing.booking, Confirmed) or not known:
        return own
    terms = standing.booking.facts
    wish = _wish(command, terms)
    if interval_refusal(wish.start, wish.end, wish.at) is not None:
        return own
    where = boundary_of(wish, _agenda(wish, move))
    return tuple(dict.fromkeys((*own, *events_of_seat(terms.seat_id), *where)))


def _decide_reschedule(command: RescheduleBooking, move: Move) -> tuple[Event, ...]:
    standing = _standing(command, move)
    seen_by_party(standing, command.actor)
    terms = _confirmed(standing, command.at)
    wish = _wish(command, terms)
    if (wish.seat_id, wish.start, wish.end) == (terms.seat_id, terms.start, terms.end):
        raise NothingToReschedule
    other_time = (wish.start, wish.end) != (terms.start, terms.end)
    own = command.actor.user_id == terms.user_id
    # Else a late cancellation could be had for nothing: move it far away, or to where it costs nothing, and
    # cancel it there.
    late = own and command.at > terms.free_cancel_until
    if late and other_time:
        raise TooLateToReschedule(terms.free_cancel_until)
    moved = _moved(command, standing, terms, _admitted(wish, terms, move))
    given_up = waits_no_more(move.agenda, terms.library_id, terms.user_id, wish.start, wish.end, wish.at)
    events = (*moved, *given_up)
    if late and _amount_minor(events) < terms.amount_minor:
        raise TooLateToReschedule(terms.free_cancel_until)
    return events


def _decide_move(command: MoveAffected, move: Move) -> tuple[Event, ...]:
    standing = _standing(command, move)
    seen_by_library(standing, command.actor)
    terms = _confirmed(standing, command.at)
    left_seat = move.seats.get(terms.seat_id)
    if not impediments(terms, move.agenda.library, left_seat):
        raise BookingUnaffected
    if not command.consented:
        raise ConsentRequired
    admission = _admitted(_wish(command, terms), terms, move)
    if left_seat is not None and not _alike(admission.seat, left_seat):
        raise SeatNotAlike
    events = _moved(command, standing, terms, admission)
    amount_minor = _amount_minor(events)
    if amount_minor > terms.amount_minor:
        raise PriceHigher(amount_minor)
    return events


def _standing(command: RescheduleBooking, move: Move) -> Standing:
    return Standing(
        booking=move.agenda.bookings.get(command.booking_id),
        paid_minor=move.paid_minor.get(command.booking_id, 0),
        library=move.agenda.library,
    )


def _admitted(wish: Wish, terms: BookingTerms, move: Move) -> Admission:
    require_interval(wish.start, wish.end, wish.at, held=wish.start == terms.start)
    return admit(wish, _agenda(wish, move))


def _agenda(wish: Wish, move: Move) -> Agenda:
    """Return the agenda of where the booking goes, with the seat there."""
    return replace(move.agenda, seat=move.seats.get(wish.seat_id))


def _confirmed(standing: Standing, at: datetime) -> BookingTerms:
    booking = standing.booking
    match booking:
        case Confirmed(facts=terms):
            if is_missed(booking, at):
                raise BookingMissed
            return terms
        case CheckedIn():
            raise CheckedInAlready
        case Cancelled() | Completed() | NoShow() | Revoked():
            raise ended_already(booking)
        case None:
            raise BookingUnknown
        case _ as unreachable:
            assert_never(unreachable)


def _moved(
    command: RescheduleBooking, standing: Standing, terms: BookingTerms, admission: Admission
) -> tuple[Event, ...]:
    wish, library = _wish(command, terms), admission.library
    price = _share(command, wish, terms, admission)
    if price is None:
        price = _price(command, wish, terms, library, admission.seat)
    if terms.plan_share:
        # Moved to where it costs less, it would give back what cancelling does not.
        price = replace(price, amount_minor=max(price.amount_minor, terms.amount_minor))
    limits = _deadlines(wish, terms, library)
    rescheduled = BookingRescheduled(
        booking_id=terms.booking_id,
        occupation=terms.occupation,
        library_id=terms.library_id,
        seat_id=wish.seat_id,
        user_id=terms.user_id,
        start=wish.start,
        end=wish.end,
        occupied_until=admission.occupied_until,
        amount_minor=price.amount_minor,
        currency=price.currency,
        plan_id=price.plan_id,
        price_version=price.price_version,
        check_in_from=limits.check_in_from,
        check_in_until=limits.check_in_until,
        free_cancel_until=limits.free_cancel_until,
        late_refund_percent=library.rules.late_refund_percent,
        plan_share=terms.plan_share,
        previous_seat_id=terms.seat_id,
        previous_start=terms.start,
        previous_end=terms.end,
        previous_occupied_until=terms.occupied_until,
        previous_amount_minor=terms.amount_minor,
    )
    back = refund(standing, rescheduled, price.amount_minor, "confirmed", "rescheduled")
    return (*admission.lapses, rescheduled, *back)


def _amount_minor(events: tuple[Event, ...]) -> int:
    """Return what the booking costs where it goes."""
    return next(event.amount_minor for event in events if isinstance(event, BookingRescheduled))


def _deadlines(wish: Wish, terms: BookingTerms, library: Library) -> Deadlines:
    limits = deadlines(wish.start, wish.end, library.rules, wish.at)
    if wish.start != terms.start or wish.at <= wish.start:
        return limits
    # Once it has begun, going from seat to seat must not put off when the student has to be there.
    return replace(limits, check_in_until=min(limits.check_in_until, terms.check_in_until))


def _share(command: RescheduleBooking, wish: Wish, terms: BookingTerms, admission: Admission) -> Price | None:
    """Return the price of a day that is a share of a week's or month's: it keeps it, where no longer.

    Priced by itself, it would be charged the whole week or month.
    """
    other_price = command.quote is not None or command.plan_id not in (None, terms.plan_id)
    if not terms.plan_share or other_price or wish.end - wish.start > terms.end - terms.start:
        return None
    applicable = applicable_plans(admission.library, admission.seat, wish.start, wish.end)
    if not any(plan.id == terms.plan_id and plan.unit in ("week", "month") for plan in applicable):
        return None
    return Price(terms.amount_minor, terms.currency, terms.plan_id, terms.price_version)


def _price(
    command: RescheduleBooking, wish: Wish, terms: BookingTerms, library: Library, seat: Seat
) -> Price:
    """Price the new time by the plan that is named, or by the booking's own where it still applies."""
    plan_id = command.plan_id
    if plan_id is None and command.quote is None:
        applicable = {plan.id for plan in applicable_plans(library, seat, wish.start, wish.end)}
        plan_id = terms.plan_id if terms.plan_id in applicable else None
    return settled_price(command.quote, library, seat, plan_id, wish.start, wish.end, wish.at)


def _wish(command: RescheduleBooking, terms: BookingTerms) -> Wish:
    return Wish(
        library_id=terms.library_id,
        seat_id=command.seat_id or terms.seat_id,
        user_id=terms.user_id,
        start=command.start or terms.start,
        end=command.end or terms.end,
        actor=command.actor,
        at=command.at,
        instead_of=terms.booking_id,
        # Who has lost a seat does not queue for another; had it been revoked, they would come first in line.
        before_the_line=isinstance(command, MoveAffected),
    )


def _alike(seat: Seat, left: Seat) -> bool:
    return seat.zone == left.zone and _covers(seat.attributes, left.attributes)


def _covers(offered: Mapping[str, str | int | bool], wanted: Mapping[str, str | int | bool]) -> bool:
    return all(offered.get(name) == value for name, value in wanted.items())


RESCHEDULE_BOOKING: Decider[RescheduleBooking, Move] = Decider(Move, _evolve, _boundary, _decide_reschedule)
MOVE_AFFECTED: Decider[MoveAffected, Move] = Decider(Move, _evolve, _boundary, _decide_move)
