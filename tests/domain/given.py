"""Given these events, when this command, then these events: how the rules are told."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from studyspot.domain.book_seat import BookSeat
from studyspot.domain.decider import Decider
from studyspot.domain.events import (
    BookingCreated,
    BookingNoShow,
    BookingRescheduled,
    ClosureAnnounced,
    Event,
    HoldPlaced,
    LibraryCreated,
    LibraryDetails,
    LibraryRulesSet,
    PaymentRecorded,
    Plan,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
    WaitlistJoined,
    WaitlistOffered,
)
from studyspot.domain.holds import PlaceHold
from studyspot.domain.people import Actor
from studyspot.domain.rescheduling import RescheduleBooking
from studyspot.domain.rules import BookingRules
from studyspot.domain.waitlist import JoinWaitlist, OfferPlace
from tests.domain.log import Log

Command = TypeVar("Command")
State = TypeVar("State")
Happened = TypeVar("Happened")

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
NINE, TEN, ELEVEN, NOON = (NOW + timedelta(days=1, hours=hours) for hours in range(4))
INSTANT = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

OWNER = Actor("owner", "library_owner")
OTHER_OWNER = Actor("other-owner", "library_owner")
ASHA = Actor("asha", "student")
RAVI = Actor("ravi", "student")
MIRA = Actor("mira", "student")
ADMIN = Actor("admin", "admin")

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
OPEN = (LIBRARY, SEAT, OTHER_SEAT)
"""A library of two seats, always open, free of charge, with the rules that there are without any."""


def when(decider: Decider[Command, State], given: Iterable[Event], command: Command) -> tuple[Event, ...]:
    """Return what the command leads to, after the given events that its boundary names."""
    return Log(given).decide(decider, command).events


def only(kind: type[Happened], events: Iterable[Event]) -> Happened:
    """Return the one event of that kind among these."""
    (found,) = (event for event in events if isinstance(event, kind))
    return found


def instant(wall_time: str, zone: str) -> datetime:
    """Return the UTC instant of a wall time such as 2027-01-31T10:00; of an ambiguous one the first."""
    return datetime.fromisoformat(wall_time).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def library_in(zone: str) -> LibraryCreated:
    return LibraryCreated(
        library_id="L1",
        owner_id=OWNER.user_id,
        currency="INR",
        name="Saraswati",
        city="Pune",
        time_zone=zone,
    )


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


def hold(by: Actor = ASHA, **changes: Any) -> PlaceHold:
    defaults: dict[str, Any] = {
        "hold_id": "H1",
        "occupation": "p1",
        "library_id": "L1",
        "seat_id": "S1",
        "start": NINE,
        "end": ELEVEN,
        "actor": by,
        "at": NOW,
    }
    return PlaceHold(**(defaults | changes))


def reschedule(by: Actor = ASHA, **changes: Any) -> RescheduleBooking:
    defaults: dict[str, Any] = {
        "booking_id": "B0",
        "seat_id": None,
        "start": None,
        "end": None,
        "plan_id": None,
        "actor": by,
        "at": NOW,
    }
    return RescheduleBooking(**(defaults | changes))


def join(by: Actor = ASHA, **changes: Any) -> JoinWaitlist:
    defaults: dict[str, Any] = {
        "entry_id": "E1",
        "library_id": "L1",
        "start": NINE,
        "end": ELEVEN,
        "zone": None,
        "attributes": {},
        "revoked_booking_id": None,
        "actor": by,
        "at": NOW,
    }
    return JoinWaitlist(**(defaults | changes))


def offer(entry_id: str = "E0", **changes: Any) -> OfferPlace:
    defaults: dict[str, Any] = {"hold_id": "H9", "occupation": "p9", "seat_id": "S1", "at": NOW}
    return OfferPlace(entry_id, **(defaults | changes))


def waits(by: Actor = ASHA, **changes: Any) -> WaitlistJoined:
    """Return that somebody waits for any seat from nine until eleven; their place is called after them."""
    defaults: dict[str, Any] = {
        "entry_id": f"E-{by.user_id}",
        "library_id": "L1",
        "user_id": by.user_id,
        "start": NINE,
        "end": ELEVEN,
    }
    return WaitlistJoined(**(defaults | changes))


def offered(joined: WaitlistJoined, **changes: Any) -> tuple[HoldPlaced, WaitlistOffered]:
    """Return the offer of the first seat to who waits, as it is made now."""
    defaults: dict[str, Any] = {
        "hold_id": f"H-{joined.entry_id}",
        "entry_id": joined.entry_id,
        "start": joined.start,
        "end": joined.end,
        "until": NOW + 10 * MINUTE,
    }
    placed = held(Actor(joined.user_id, "student"), **(defaults | changes))
    told = WaitlistOffered(
        **joined.facts(), hold_id=placed.hold_id, seat_id=placed.seat_id, until=placed.until
    )
    return placed, told


def _occupied(by: Actor, changes: dict[str, Any]) -> dict[str, Any]:
    """Return what an event about a hold or booking of `by` carries, from nine until eleven."""
    facts: dict[str, Any] = {
        "library_id": "L1",
        "seat_id": "S1",
        "user_id": by.user_id,
        "start": NINE,
        "end": ELEVEN,
    }
    facts |= changes
    return {"occupied_until": facts["end"]} | facts


def held(by: Actor = ASHA, **changes: Any) -> HoldPlaced:
    defaults = {"hold_id": "H0", "occupation": "p0", "until": NOW + 5 * MINUTE}
    return HoldPlaced(**_occupied(by, defaults | changes))


def booked(by: Actor = ASHA, **changes: Any) -> BookingCreated:
    defaults = {"booking_id": "B0", "occupation": "o0", "amount_minor": 0, "currency": "INR"}
    facts = _occupied(by, defaults | changes)
    terms = {
        "check_in_from": facts["start"] - 15 * MINUTE,
        "check_in_until": min(facts["end"], facts["start"] + 30 * MINUTE),
        "free_cancel_until": facts["start"] - HOUR,
    }
    return BookingCreated(**(terms | facts))


def moved(before: BookingCreated | BookingRescheduled, **changes: Any) -> BookingRescheduled:
    """Return the booking's move to another time or seat, under the default rules."""
    facts = before.facts()
    del facts["occupied_until"]
    return BookingRescheduled(
        **booked(Actor(before.user_id, "student"), **(facts | changes)).terms(),
        previous_seat_id=before.seat_id,
        previous_start=before.start,
        previous_end=before.end,
        previous_occupied_until=before.occupied_until,
        previous_amount_minor=before.amount_minor,
    )


def missed(booking: BookingCreated) -> BookingNoShow:
    return BookingNoShow(**booking.facts(), missed_at=booking.check_in_until)


def paid(booking: BookingCreated, amount_minor: int) -> PaymentRecorded:
    return PaymentRecorded(
        **booking.facts(),
        status="confirmed",
        payment_id="P0",
        payment_minor=amount_minor,
        paid_minor=amount_minor,
        method="cash",
    )


def priced(*plans: Plan, version: int = 1) -> PricingUpdated:
    return PricingUpdated(library_id="L1", price_version=version, currency="INR", plans=plans)


def ruled(**changes: Any) -> LibraryRulesSet:
    return LibraryRulesSet(library_id="L1", rules=BookingRules(**changes))


def closed(start: datetime, end: datetime | None = None, **changes: Any) -> ClosureAnnounced:
    defaults: dict[str, Any] = {"library_id": "L1", "closure_id": "c", "revoke_at": NOW}
    return ClosureAnnounced(start=start, end=end, **(defaults | changes))


def out_of_service(seat_id: str = "S1", revoke_at: datetime | None = NOW) -> SeatAvailabilityChanged:
    return SeatAvailabilityChanged(library_id="L1", seat_id=seat_id, in_service=False, revoke_at=revoke_at)


def in_service(seat_id: str = "S1") -> SeatAvailabilityChanged:
    return SeatAvailabilityChanged(library_id="L1", seat_id=seat_id, in_service=True)
