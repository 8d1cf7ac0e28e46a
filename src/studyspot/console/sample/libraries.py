"""The sample libraries: three as there are many in India, each run in its own way."""

from dataclasses import dataclass, field, replace
from datetime import time

from studyspot.domain.events import LibraryDetails, Plan
from studyspot.domain.opening_hours import WEEKDAYS, OpenHours, Weekday
from studyspot.domain.pricing import SHIFTS
from studyspot.domain.rules import PRESETS, BookingRules

ZONE = "Asia/Kolkata"

Sitting = tuple[time, time, str | None]
"""From when until when people sit, by which plan; none where only one applies."""


@dataclass(frozen=True, slots=True)
class SeatRow:
    """Seats `A1`, `A2` … of one zone."""

    letter: str
    count: int
    zone: str
    attributes: dict[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SampleLibrary:
    """A library; `sittings` are how its students come, `monthly` is the plan by which some take a month."""

    details: LibraryDetails
    rows: tuple[SeatRow, ...]
    hours: tuple[OpenHours, ...] | None
    rules: BookingRules
    plans: tuple[Plan, ...]
    sittings: tuple[Sitting, ...]
    monthly: str | None = None

    @property
    def open_on(self) -> frozenset[Weekday]:
        """The days on which it opens."""
        return frozenset(WEEKDAYS) if self.hours is None else frozenset(known.day for known in self.hours)


def _every_day(opens: time, closes: time) -> tuple[OpenHours, ...]:
    return tuple(OpenHours(day=day, opens=opens, closes=closes) for day in WEEKDAYS)


SARASWATI = SampleLibrary(
    details=LibraryDetails(
        name="Saraswati Reading Room",
        city="Pune",
        time_zone=ZONE,
        address="12 Fergusson College Road, Shivajinagar, Pune 411005",
        amenities=("wifi", "power", "drinking-water", "lockers"),
    ),
    rows=(
        SeatRow("A", 20, "general"),
        SeatRow("B", 14, "quiet", {"lamp": True}),
        SeatRow("C", 10, "ac", {"lamp": True, "power": True}),
    ),
    hours=_every_day(time(6), time(23)),
    rules=replace(PRESETS["study-hall"], check_in_closes_minutes=60),
    plans=(
        Plan(id="morning", unit="shift", shift="morning", amount_minor=6_000),
        Plan(id="afternoon", unit="shift", shift="afternoon", amount_minor=6_000),
        Plan(id="evening", unit="shift", shift="evening", amount_minor=5_000),
        Plan(id="full-day", unit="shift", shift="full-day", amount_minor=12_000),
        Plan(id="monthly", unit="month", amount_minor=150_000),
        Plan(id="monthly-ac", unit="month", zone="ac", amount_minor=220_000),
    ),
    sittings=(
        (*SHIFTS["morning"], "morning"),
        (*SHIFTS["afternoon"], "afternoon"),
        (*SHIFTS["evening"], "evening"),
        (*SHIFTS["full-day"], "full-day"),
    ),
    monthly="monthly",
)
MUKHERJEE = SampleLibrary(
    details=LibraryDetails(
        name="Mukherjee Nagar Study Centre",
        city="Delhi",
        time_zone=ZONE,
        address="2nd Floor, 871 Mukherjee Nagar, Delhi 110009",
        amenities=("wifi", "power", "ac", "cctv", "tea"),
    ),
    rows=(SeatRow("G", 16, "non-ac"), SeatRow("K", 16, "ac", {"power": True})),
    hours=None,
    rules=BookingRules(live_bookings=6, advance_days=14, late_refund_percent=50),
    plans=(
        Plan(id="hourly", unit="hour", zone="non-ac", amount_minor=2_000),
        Plan(id="hourly-ac", unit="hour", zone="ac", amount_minor=3_500),
        Plan(id="night", unit="shift", shift="night", amount_minor=9_000),
    ),
    sittings=((time(9), time(13), None), (time(14), time(18), None), (*SHIFTS["night"], "night")),
)
INDIRANAGAR = SampleLibrary(
    details=LibraryDetails(
        name="Indiranagar Quiet Library",
        city="Bengaluru",
        time_zone=ZONE,
        address="100 Feet Road, Indiranagar, Bengaluru 560038",
        amenities=("wifi", "power", "cafe", "parking"),
    ),
    rows=(SeatRow("Q", 14, "quiet"), SeatRow("P", 8, "premium", {"monitor": True, "power": True})),
    hours=tuple(OpenHours(day=day, opens=time(7), closes=time(22)) for day in WEEKDAYS if day != "sunday"),
    rules=replace(PRESETS["nottingham"], advance_days=7, buffer_minutes=10),
    plans=(
        Plan(id="quiet", unit="hour", zone="quiet", amount_minor=4_000),
        Plan(id="premium", unit="hour", zone="premium", amount_minor=7_000),
    ),
    sittings=((time(8), time(11), None), (time(12), time(15), None), (time(17), time(20), None)),
)
LIBRARIES = (SARASWATI, MUKHERJEE, INDIRANAGAR)
