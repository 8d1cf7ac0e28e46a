"""Given these events, when this command, then these events: how the rules are told."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from studyspot.catalogue.tags import tags_of
from studyspot.domain.book_seat import BookSeat
from studyspot.domain.decider import Decider
from studyspot.domain.events import (
    BookingCreated,
    Event,
    LibraryCreated,
    LibraryDetails,
    Plan,
    PricingUpdated,
    SeatAdded,
)
from studyspot.domain.people import Actor

Command = TypeVar("Command")
State = TypeVar("State")

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
NINE, TEN, ELEVEN, NOON = (NOW + timedelta(days=1, hours=hours) for hours in range(4))

OWNER = Actor("owner", "library_owner")
OTHER_OWNER = Actor("other-owner", "library_owner")
ASHA = Actor("asha", "student")
RAVI = Actor("ravi", "student")

DETAILS = LibraryDetails(name="Saraswati", city="Pune", time_zone="Asia/Kolkata")
LIBRARY = LibraryCreated(
    library_id="L1",
    owner_id=OWNER.user_id,
    currency="INR",
    name="Saraswati",
    city="Pune",
    time_zone="Asia/Kolkata",
)
SEAT = SeatAdded(library_id="L1", seat_id="S1", label="A1", zone="general")
OTHER_SEAT = SeatAdded(library_id="L1", seat_id="S2", label="A2", zone="quiet")


def when(decider: Decider[Command, State], given: Iterable[Event], command: Command) -> tuple[Event, ...]:
    """Return what the command leads to, after the given events that its boundary names."""
    history = [(event, set(tags_of(event))) for event in given]
    boundary = decider.boundary(command, decider.initial())
    while True:
        state = decider.initial()
        for event, tags in history:
            if any(type(event) in criterion.types and criterion.tag in tags for criterion in boundary):
                state = decider.evolve(state, event)
        wider = decider.boundary(command, state)
        if set(wider) <= set(boundary):
            return decider.decide(command, state)
        boundary = wider


def book(by: Actor = ASHA, **changes: Any) -> BookSeat:
    defaults: dict[str, Any] = {
        "booking_id": "B1",
        "occupation": "o1",
        "library_id": "L1",
        "seat_id": "S1",
        "user_id": None,
        "start": NINE,
        "end": ELEVEN,
        "plan_id": None,
        "actor": by,
        "at": NOW,
    }
    return BookSeat(**(defaults | changes))


def booked(by: Actor = ASHA, **changes: Any) -> BookingCreated:
    defaults: dict[str, Any] = {
        "booking_id": "B0",
        "occupation": "o0",
        "library_id": "L1",
        "seat_id": "S1",
        "user_id": by.user_id,
        "start": NINE,
        "end": ELEVEN,
        "amount_minor": 0,
        "currency": "INR",
    }
    facts = defaults | changes
    return BookingCreated(
        **facts,
        check_in_from=facts["start"] - timedelta(minutes=15),
        check_in_until=min(facts["end"], facts["start"] + timedelta(minutes=30)),
        free_cancel_until=facts["start"] - timedelta(minutes=60),
    )


def priced(*plans: Plan) -> PricingUpdated:
    return PricingUpdated(library_id="L1", price_version=1, currency="INR", plans=plans)
