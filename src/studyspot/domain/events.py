"""The vocabulary: everything that can happen, in the past tense.

Types, tags, subjects, schemas and documents are derived from the union at the end.
A shipped event never changes: its next version stands beside it.

Every event is self-sufficient: it carries the ids, interval, amounts and status that its consumers need.
None carries personal data: people are opaque ids, and what is written about them is an id too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from studyspot.domain.shape import Shape

PlanUnit = Literal["hour", "day", "week", "month", "shift"]
ShiftName = Literal["morning", "afternoon", "evening", "night", "half-day", "full-day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Shape):
    """A price: `amount_minor` per `unit`, in the library's currency, for seats of `zone` (or all)."""

    id: str
    unit: PlanUnit
    amount_minor: int
    shift: ShiftName | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryDetails(Shape):
    """What a library tells about itself; a change carries all of it."""

    name: str
    city: str
    time_zone: str
    address: str | None = None
    amenities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryCreated(LibraryDetails):
    """A library opens; amounts are in its currency (ISO 4217)."""

    library_id: str
    owner_id: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryUpdated(LibraryDetails):
    """The library tells something else about itself."""

    library_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryDeleted(Shape):
    """The library is retired; its history stays."""

    library_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureAnnounced(Shape):
    """The library takes no booking that overlaps [start, end); without an end, none after start."""

    library_id: str
    closure_id: str
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureWithdrawn(Shape):
    """The announced closure does not take place."""

    library_id: str
    closure_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingUpdated(Shape):
    """All plans of the library from now on; versions count from 1."""

    library_id: str
    price_version: int
    currency: str
    plans: tuple[Plan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatAdded(Shape):
    """The library has another seat, in service."""

    library_id: str
    seat_id: str
    label: str
    zone: str
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatAvailabilityChanged(Shape):
    """The seat went out of service, or came back."""

    library_id: str
    seat_id: str
    in_service: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFacts(Shape):
    """What every event about a booking carries.

    `occupation` is a random id that outlives hold, booking and rescheduling, and tells nobody whose it is.
    The interval is [start, end) in UTC; the amount is in minor units of `currency`.
    """

    booking_id: str
    occupation: str
    library_id: str
    seat_id: str
    user_id: str
    start: datetime
    end: datetime
    amount_minor: int
    currency: str

    def facts(self) -> dict[str, Any]:
        """Return these facts as arguments for the booking's next event."""
        return {known.name: getattr(self, known.name) for known in fields(BookingFacts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCreated(BookingFacts):
    """A seat is booked, under the rules and prices of this moment."""

    status: Literal["confirmed"] = "confirmed"
    plan_id: str | None = None
    price_version: int | None = None
    check_in_from: datetime
    check_in_until: datetime
    free_cancel_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCancelled(BookingFacts):
    """The seat is free again. `reason_id` names a text that is kept where it can be deleted."""

    status: Literal["cancelled"] = "cancelled"
    late: bool
    reason_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCheckedIn(BookingFacts):
    """The student sits at the seat."""

    status: Literal["checked-in"] = "checked-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCheckedOut(BookingFacts):
    """The student has left; the rest of the time is free."""

    status: Literal["completed"] = "completed"


LibraryEvent = (
    LibraryCreated | LibraryUpdated | LibraryDeleted | ClosureAnnounced | ClosureWithdrawn | PricingUpdated
)
SeatEvent = SeatAdded | SeatAvailabilityChanged
BookingEvent = BookingCreated | BookingCancelled | BookingCheckedIn | BookingCheckedOut
Event = LibraryEvent | SeatEvent | BookingEvent
