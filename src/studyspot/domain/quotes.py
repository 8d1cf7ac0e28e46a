"""Quotes: a price that is honoured while it is valid."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import Event, LibraryEvent, SeatEvent, StaffEvent
from studyspot.domain.library import Library, evolve_library, open_for_changes, settings_of
from studyspot.domain.occupying import require_interval
from studyspot.domain.pricing import Price, price_of
from studyspot.domain.refusals import PriceChanged, QuoteMismatch, SeatUnknown
from studyspot.domain.seat import Seat, events_of_seat, evolve_seat

VALID_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a student was quoted, once it is proved that it was for this seat, time and student.

    `plan_mark` stands for the plan's id, which is too long for a quote's own id.
    """

    amount_minor: int
    price_version: int | None
    plan_mark: bytes
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class AskPrice:
    """What would [start, end) in UTC on this seat cost?"""

    library_id: str
    seat_id: str
    start: datetime
    end: datetime
    plan_id: str | None
    at: datetime


@dataclass(slots=True)
class Offer:
    """A library and one of its seats."""

    library: Library | None = None
    seat: Seat | None = None


def plan_mark(plan_id: str | None) -> bytes:
    """Return four bytes that stand for a plan's id, or for none."""
    return hashlib.sha256((plan_id or "").encode()).digest()[:4]


def price_asked(command: AskPrice, offer: Offer) -> Price:
    """Return the price as it is now.

    Raises:
        LibraryUnknown, LibraryRetired, SeatUnknown: there is nothing to be priced.
        NoPlanApplies, PlanRequired, PlanNotApplicable: the plans do not say.
    """
    library = open_for_changes(offer.library)
    seat = offer.seat
    if seat is None or seat.library_id != library.library_id or seat.removed:
        raise SeatUnknown
    return price_of(library, seat, command.plan_id, command.start, command.end)


def settled_price(
    quote: Quote | None,
    library: Library,
    seat: Seat,
    plan_id: str | None,
    start: datetime,
    end: datetime,
    at: datetime,
) -> Price:
    """Return what is charged: as quoted while the quote is valid, else as it is now.

    Raises:
        PriceChanged: the quote is over, and the price another one.
        QuoteMismatch: it was for another plan than the one that is named.
        NoPlanApplies, PlanRequired, PlanNotApplicable: as `price_of`.
    """
    if quote is None:
        return price_of(library, seat, plan_id, start, end)
    if plan_id is not None and plan_mark(plan_id) != quote.plan_mark:
        raise QuoteMismatch
    quoted_plan = plan_id or _plan_of(quote, library)
    if at < quote.valid_until:
        return Price(quote.amount_minor, library.currency, quoted_plan, quote.price_version)
    price = price_of(library, seat, quoted_plan, start, end)
    if price.amount_minor != quote.amount_minor:
        raise PriceChanged(price.price_version, price.amount_minor, price.currency, price.plan_id)
    return price


def _plan_of(quote: Quote, library: Library) -> str | None:
    """Return the id of the quoted plan, as far as the library still has it."""
    plans = library.pricing.plans if library.pricing else ()
    return next((plan.id for plan in plans if plan_mark(plan.id) == quote.plan_mark), None)


def _boundary(command: AskPrice, offer: Offer) -> Boundary:
    require_interval(command.start, command.end, command.at)
    return (*settings_of(command.library_id), *events_of_seat(command.seat_id))


def _decide(command: AskPrice, offer: Offer) -> tuple[Event, ...]:
    price_asked(command, offer)
    return ()


def evolve_offer(offer: Offer, event: Event) -> Offer:
    if isinstance(event, LibraryEvent | StaffEvent):
        offer.library = evolve_library(offer.library, event)
    elif isinstance(event, SeatEvent):
        offer.seat = evolve_seat(offer.seat, event)
    return offer


ASK_PRICE = Decider(Offer, evolve_offer, _boundary, _decide)
