"""A small town for properties: two libraries, three seats, three students, and a clock."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from studyspot.domain.endings import COMPLETE_BOOKING, MISS_BOOKING, CompleteBooking, MissBooking
from studyspot.domain.events import (
    BookingCreated,
    Event,
    HoldPlaced,
    LibraryCreated,
    Plan,
    PricingUpdated,
    SeatAdded,
    WaitlistJoined,
)
from studyspot.domain.holds import LAPSE_HOLD, LapseHold
from studyspot.domain.libraries import SET_RULES, SetRules
from studyspot.domain.people import Actor
from studyspot.domain.refusals import Refusal
from studyspot.domain.rules import BookingRules
from studyspot.domain.waitlist import END_WAITING, EndWaiting
from tests.domain.given import NOW, OWNER
from tests.domain.log import Log

STUDENTS = tuple(Actor(name, "student") for name in ("asha", "ravi", "mira"))
HOMES = {"S1": "L1", "S2": "L1", "S3": "L2"}
LIBRARIES = tuple(
    LibraryCreated(
        library_id=library_id,
        owner_id=OWNER.user_id,
        currency="INR",
        name=library_id,
        city="Pune",
        time_zone=zone,
    )
    for library_id, zone in (("L1", "Asia/Kolkata"), ("L2", "Europe/Berlin"))
)
SEATS = tuple(
    SeatAdded(library_id=library_id, seat_id=seat_id, label=seat_id, zone="general")
    for seat_id, library_id in HOMES.items()
)
PRICES = tuple(
    PricingUpdated(
        library_id=library_id,
        price_version=1,
        currency="INR",
        plans=(Plan(id="hourly", unit="hour", amount_minor=333),),
    )
    for library_id in ("L1", "L2")
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command came to: its events, or why it was refused."""

    decider: Any
    command: Any
    events: tuple[Event, ...]
    refusal: Refusal | None


@dataclass(slots=True)
class Town:
    """Runs commands against one log, at its own clock; `swept` notes every deadline as soon as it passes.

    `count` numbers the commands, of which ids are made.
    """

    rules: BookingRules
    swept: bool = False
    at: datetime = NOW
    log: Log = field(default_factory=Log)
    count: int = 0

    def __post_init__(self) -> None:
        self.log.append((*LIBRARIES, *SEATS, *PRICES))
        for library in LIBRARIES:
            self.log.run(SET_RULES, SetRules(library.library_id, self.rules, OWNER))

    def wait(self, pause: timedelta) -> None:
        self.at += pause
        if self.swept:
            self.sweep()

    def run(self, decider: Any, command: Any) -> Outcome:
        try:
            outcome = Outcome(decider, command, self.log.run(decider, command), None)
        except Refusal as refusal:
            outcome = Outcome(decider, command, (), refusal)
        if self.swept:
            self.sweep()
        return outcome

    def sweep(self) -> None:
        """Note every deadline that has passed."""
        for hold in self.all(HoldPlaced):
            self.log.run(LAPSE_HOLD, LapseHold(hold.hold_id, self.at))
        for joined in self.all(WaitlistJoined):
            self.log.run(END_WAITING, EndWaiting(joined.entry_id, self.at))
        for booking in self.all(BookingCreated):
            self.log.run(MISS_BOOKING, MissBooking(booking.booking_id, self.at))
            self.log.run(COMPLETE_BOOKING, CompleteBooking(booking.booking_id, self.at))

    def all(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.log.events if isinstance(event, kind)]
