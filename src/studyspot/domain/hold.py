"""A hold: a seat kept while its student decides, over by the clock alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from studyspot.domain.decider import Criterion
from studyspot.domain.events import (
    BookingCreated,
    HoldEvent,
    HoldFacts,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
)
from studyspot.domain.tags import hold as hold_tag

HOLD_EVENTS = (HoldPlaced, HoldReleased, HoldLapsed)


@dataclass(frozen=True, slots=True)
class Held:
    facts: HoldFacts


@dataclass(frozen=True, slots=True)
class Released:
    facts: HoldFacts


@dataclass(frozen=True, slots=True)
class Lapsed:
    facts: HoldFacts


@dataclass(frozen=True, slots=True)
class Booked:
    """The hold has become a booking."""

    facts: HoldFacts
    booking_id: str


Hold = Held | Released | Lapsed | Booked


def evolve_hold(hold: Hold | None, event: HoldEvent | BookingCreated) -> Hold | None:
    """Fold one event; a booking from a hold that is not known is none of ours."""
    match event:
        case HoldPlaced():
            return Held(event)
        case HoldReleased():
            return Released(event)
        case HoldLapsed():
            return Lapsed(event)
        case BookingCreated():
            return Booked(hold.facts, event.booking_id) if hold is not None else None
        case _ as unreachable:
            assert_never(unreachable)


def has_lapsed(hold: Held, at: datetime) -> bool:
    """Say whether the hold is over by the clock, whether or not anybody noticed."""
    return at >= hold.facts.until


def events_of_hold(hold_id: str) -> tuple[Criterion, ...]:
    """Return what a decision about this hold reads."""
    return (Criterion((*HOLD_EVENTS, BookingCreated), hold_tag(hold_id)),)
