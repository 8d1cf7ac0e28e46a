"""Book a seat: no two bookings overlap on a seat, and none of one student, whatever else happens at once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from studyspot.domain.agenda import Agenda, evolve_agenda
from studyspot.domain.awaited import waits_no_more
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import BookingCreated, Event, HoldFacts
from studyspot.domain.hold import events_of_hold
from studyspot.domain.holds import own_hold, require_held
from studyspot.domain.library import Library
from studyspot.domain.occupying import (
    Admission,
    Wish,
    admit,
    boundary_of,
    entitled,
    interval_refusal,
    require_interval,
    student_of,
)
from studyspot.domain.people import Actor
from studyspot.domain.quotes import Quote, settled_price
from studyspot.domain.refusals import BookingTooShort, CheckInClosedAlready, HoldMismatch, HoldUnknown
from studyspot.domain.rules import BookingRules
from studyspot.domain.waiting import offer_accepted


@dataclass(frozen=True, slots=True)
class BookSeat:
    """Book [start, end) in UTC for `user_id`, or for the actor; `occupation` is a random id.

    From a hold, the booking keeps the hold's occupation. `quote` is one that was given for exactly this.
    """

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
    hold_id: str | None = None
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What the rules of this moment make of a booking: see `BookingTerms`."""

    check_in_from: datetime
    check_in_until: datetime
    free_cancel_until: datetime


def deadlines(start: datetime, end: datetime, rules: BookingRules, at: datetime) -> Deadlines:
    """Return the deadlines of a booking that is confirmed at that moment.

    Raises:
        CheckInClosedAlready: it would be missed as soon as it is made.
        BookingTooShort: it would end before check-in opens.
    """
    opens = timedelta(minutes=rules.check_in_opens_minutes)
    closes = timedelta(minutes=rules.check_in_closes_minutes)
    check_in_until = min(end, max(start, at) + closes)
    if check_in_until <= at:
        raise CheckInClosedAlready
    if end <= start + opens:
        raise BookingTooShort(opens + timedelta(minutes=1))
    return Deadlines(start + opens, check_in_until, start - timedelta(minutes=rules.free_cancel_minutes))


def _boundary(command: BookSeat, agenda: Agenda) -> Boundary:
    wish = _wish(command)
    if interval_refusal(command.start, command.end, command.at) is not None:
        return ()
    own = own_hold(agenda, wish.user_id, wish.seat_id, wish.start, wish.end, wish.at)
    wanted = boundary_of(_instead_of(own, wish), agenda)
    return wanted if command.hold_id is None else (*wanted, *events_of_hold(command.hold_id))


def _decide(command: BookSeat, agenda: Agenda) -> tuple[Event, ...]:
    wish = _wish(command)
    require_interval(command.start, command.end, command.at, held=True)
    entitled(wish, agenda)
    held = _hold(command, wish, agenda)
    require_interval(command.start, command.end, command.at, held=held is not None)
    admission = admit(_instead_of(held, wish), agenda)
    created = _created(command, wish, held, admission)
    return (*admission.lapses, created, *_in_line(created, held, wish, agenda))


def _instead_of(held: HoldFacts | None, wish: Wish) -> Wish:
    """Return the wish for what is held, which stays taken for as long, whatever the rules now say."""
    if held is None:
        return wish
    return replace(wish, instead_of=held.hold_id, occupied_until=held.occupied_until)


def _hold(command: BookSeat, wish: Wish, agenda: Agenda) -> HoldFacts | None:
    """Return the hold that becomes the booking: the one named, or the student's own of exactly this."""
    if command.hold_id is None:
        return own_hold(agenda, wish.user_id, wish.seat_id, wish.start, wish.end, wish.at)
    hold = agenda.holds.get(command.hold_id)
    if hold is None or hold.facts.user_id != wish.user_id:
        raise HoldUnknown
    # What its student holds elsewhere, a library is not told.
    if wish.actor.role != "student" and hold.facts.library_id != wish.library_id:
        raise HoldUnknown
    facts = require_held(hold, command.at)
    if (facts.seat_id, facts.start, facts.end) != (wish.seat_id, wish.start, wish.end):
        raise HoldMismatch
    return facts


def _in_line(
    created: BookingCreated, held: HoldFacts | None, wish: Wish, agenda: Agenda
) -> tuple[Event, ...]:
    """Return what the booking makes of the student's places in the library's waitlist."""
    accepted = offer_accepted(agenda.entries, held, created.booking_id) if held is not None else ()
    given_up = waits_no_more(agenda, wish.library_id, wish.user_id, wish.start, wish.end, wish.at)
    return (*accepted, *given_up)


def _created(command: BookSeat, wish: Wish, held: HoldFacts | None, admission: Admission) -> BookingCreated:
    library: Library = admission.library
    price = settled_price(
        command.quote, library, admission.seat, command.plan_id, command.start, command.end, command.at
    )
    limits = deadlines(command.start, command.end, library.rules, command.at)
    return BookingCreated(
        booking_id=command.booking_id,
        occupation=held.occupation if held else command.occupation,
        library_id=library.library_id,
        seat_id=command.seat_id,
        user_id=wish.user_id,
        start=command.start,
        end=command.end,
        occupied_until=admission.occupied_until,
        amount_minor=price.amount_minor,
        currency=price.currency,
        plan_id=price.plan_id,
        price_version=price.price_version,
        check_in_from=limits.check_in_from,
        check_in_until=limits.check_in_until,
        free_cancel_until=limits.free_cancel_until,
        late_refund_percent=library.rules.late_refund_percent,
        hold_id=held.hold_id if held else None,
    )


def _wish(command: BookSeat) -> Wish:
    return Wish(
        library_id=command.library_id,
        seat_id=command.seat_id,
        user_id=student_of(command.actor, command.user_id),
        start=command.start,
        end=command.end,
        actor=command.actor,
        at=command.at,
    )


BOOK_SEAT = Decider(Agenda, evolve_agenda, _boundary, _decide)
