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

from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.people import Role
from studyspot.domain.rules import BookingRules
from studyspot.domain.shape import Shape

PlanUnit = Literal["hour", "day", "week", "month", "shift"]
ShiftName = Literal["morning", "afternoon", "evening", "night", "half-day", "full-day"]
BookingStatus = Literal["confirmed", "checked-in", "completed", "cancelled", "no-show", "revoked"]
PaymentMethod = Literal["cash", "upi", "card", "bank-transfer"]
RefundReason = Literal["cancelled", "revoked", "rescheduled", "asked"]
RevocationReason = Literal["closure", "seat-out-of-service", "library-retired", "library"]
NoticeKind = Literal[
    "booking-made-for-you",
    "booking-moved",
    "booking-cancelled",
    "booking-affected",
    "booking-revoked",
    "booking-no-show",
    "check-in-closing",
    "waitlist-offered",
    "waitlist-offer-lapsed",
    "waitlist-left",
    "staff-invited",
    "staff-removed",
    "personal",
]
WaitlistLeaving = Literal["asked", "over", "not-entitled"]


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
class LibraryHoursSet(Shape):
    """When the library is open each week, by its own clock; without hours, always."""

    library_id: str
    hours: tuple[OpenHours, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryRulesSet(Shape):
    """The rules of bookings that are made from now on."""

    library_id: str
    rules: BookingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureAnnounced(Shape):
    """The library takes no booking that overlaps [start, end); without an end, none after start.

    Bookings that overlap it are moved until `revoke_at`, and those that are left are revoked then; without
    `revoke_at` none is.
    """

    library_id: str
    closure_id: str
    start: datetime
    end: datetime | None = None
    revoke_at: datetime | None = None


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
class SeatUpdated(Shape):
    """The seat is called, or is, something else; this is all of it."""

    library_id: str
    seat_id: str
    label: str
    zone: str
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRemoved(Shape):
    """The library has the seat no more; its history stays. Its bookings are revoked from `revoke_at` on."""

    library_id: str
    seat_id: str
    revoke_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatAvailabilityChanged(Shape):
    """The seat went out of service, or came back.

    Out of service, its bookings are moved until `revoke_at`, and those that are left are revoked then.
    """

    library_id: str
    seat_id: str
    in_service: bool
    revoke_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffInvited(Shape):
    """The owner asks somebody to work for the library, who may accept until `until`.

    `user_id` is none where only an address is known, which is kept where it can be deleted.
    """

    library_id: str
    invitation_id: str
    user_id: str | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAdded(Shape):
    """The invited person works for the library from now on."""

    library_id: str
    user_id: str
    invitation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRemoved(Shape):
    """The person works for the library no more."""

    library_id: str
    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRegistered(Shape):
    """A person has an account here, with this role."""

    user_id: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDisabled(Shape):
    """The person, with an account here or elsewhere, may do nothing any more."""

    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEnabled(Shape):
    """The disabled person may act again."""

    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRoleChanged(Shape):
    """The person acts in another role; tokens from before are worth nothing."""

    user_id: str
    role: Role
    previous_role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountErased(Shape):
    """Everything that was known of the person is deleted; their id stays in the history."""

    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OccupationFacts(Shape):
    """What every event about a hold or booking carries.

    `occupation` is a random id that outlives hold, booking and rescheduling, and tells nobody whose it is.
    The interval is [start, end) in UTC; the seat is taken until `occupied_until`, a buffer after the end.
    """

    occupation: str
    library_id: str
    seat_id: str
    user_id: str
    start: datetime
    end: datetime
    occupied_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFacts(OccupationFacts):
    """What every event about a hold carries; it is over at `until`, whether or not anybody noticed.

    `entry_id` is the place in a waitlist to which the seat is offered by this hold.
    """

    hold_id: str
    until: datetime
    entry_id: str | None = None

    def facts(self) -> dict[str, Any]:
        """Return these facts as arguments for the hold's next event."""
        return {known.name: getattr(self, known.name) for known in fields(HoldFacts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlaced(HoldFacts):
    """A student keeps a seat while deciding."""

    status: Literal["held"] = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleased(HoldFacts):
    """The seat is free again before its time."""

    status: Literal["released"] = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLapsed(HoldFacts):
    """The student did not decide in time."""

    status: Literal["lapsed"] = "lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFacts(OccupationFacts):
    """What every event about a booking carries; the amount is in minor units of `currency`."""

    booking_id: str
    amount_minor: int
    currency: str

    def facts(self) -> dict[str, Any]:
        """Return these facts as arguments for the booking's next event."""
        return {known.name: getattr(self, known.name) for known in fields(BookingFacts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingTerms(BookingFacts):
    """The prices and rules under which a booking stands, whatever the library sets later.

    Check-in is open in [check_in_from, check_in_until); cancelling is free until `free_cancel_until`, and
    gives back `late_refund_percent` of the amount afterwards. Of a `plan_share`, a day that is paid as a part
    of a week or month, cancelling gives nothing back: one day would else cost its share alone.
    """

    plan_id: str | None = None
    price_version: int | None = None
    check_in_from: datetime
    check_in_until: datetime
    free_cancel_until: datetime
    late_refund_percent: int = 0
    plan_share: bool = False

    def terms(self) -> dict[str, Any]:
        """Return facts and terms as arguments for another event that sets them."""
        return {known.name: getattr(self, known.name) for known in fields(BookingTerms)}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCreated(BookingTerms):
    """A seat is booked, perhaps from a hold, under the rules and prices of this moment.

    Bookings that were made together, as a series, have the same `series_id`.
    """

    status: Literal["confirmed"] = "confirmed"
    hold_id: str | None = None
    series_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRescheduled(BookingTerms):
    """The booking has another time or seat, under the rules and prices of this moment."""

    status: Literal["confirmed"] = "confirmed"
    previous_seat_id: str
    previous_start: datetime
    previous_end: datetime
    previous_occupied_until: datetime
    previous_amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCancelled(BookingFacts):
    """The seat is free again; of the amount, `kept_minor` stays with the library.

    `reason_id` names a text that is kept where it can be deleted.
    """

    status: Literal["cancelled"] = "cancelled"
    late: bool
    kept_minor: int = 0
    reason_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCheckedIn(BookingFacts):
    """The student sits at the seat."""

    status: Literal["checked-in"] = "checked-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCheckedOut(BookingFacts):
    """The student has left; the rest of the time is free."""

    status: Literal["completed"] = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCompleted(BookingFacts):
    """The booking's time, and the buffer after it, have passed."""

    status: Literal["completed"] = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingNoShow(BookingFacts):
    """The student had not come when check-in closed, at `missed_at`; the rest of the time is free."""

    status: Literal["no-show"] = "no-show"
    missed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRevoked(BookingFacts):
    """The library takes the booking back, and all of the amount with it."""

    status: Literal["revoked"] = "revoked"
    reason: RevocationReason
    closure_id: str | None = None
    reason_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRecorded(BookingFacts):
    """The library was paid `payment_minor`; `paid_minor` is what it now has for this booking.

    `reference_id` names a text, such as a transfer's reference, kept where it can be deleted.
    """

    status: BookingStatus
    payment_id: str
    payment_minor: int
    paid_minor: int
    method: PaymentMethod
    reference_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(BookingFacts):
    """The library gives `refund_minor` back; `paid_minor` is what it still has for this booking."""

    status: BookingStatus
    refund_minor: int
    paid_minor: int
    reason: RefundReason


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistFacts(Shape):
    """What every event about a place in a waitlist carries: what the student waits for.

    Any seat of the library does that is free throughout [start, end), in `zone` where one is named, and has
    all of `attributes`.
    """

    entry_id: str
    library_id: str
    user_id: str
    start: datetime
    end: datetime
    zone: str | None = None
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return these facts as arguments for the next event about this place."""
        return {known.name: getattr(self, known.name) for known in fields(WaitlistFacts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistJoined(WaitlistFacts):
    """A student waits, behind everyone who waited before; before them all, who lost `revoked_booking_id`."""

    status: Literal["waiting"] = "waiting"
    revoked_booking_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistLeft(WaitlistFacts):
    """The student waits no more: they asked, the time has begun, or nobody could offer them a seat."""

    status: Literal["left"] = "left"
    reason: WaitlistLeaving


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistOffered(WaitlistFacts):
    """A seat is held for the student until `until`, and for nobody else; the hold stands beside this."""

    status: Literal["offered"] = "offered"
    hold_id: str
    seat_id: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistOfferLapsed(WaitlistFacts):
    """The student did not take the offer; or the library could not keep it, and they wait on."""

    status: Literal["waiting", "lapsed"]
    hold_id: str
    seat_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistAccepted(WaitlistFacts):
    """The student has booked what was offered."""

    status: Literal["accepted"] = "accepted"
    hold_id: str
    booking_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSent(Shape):
    """A person is told something: a kind, and what its sentence needs.

    `cause` names the event that it follows from, so that it is told once: `{position}:{kind}`, and whom of
    several it concerns. `text_id` names what somebody wrote to them, kept where it can be deleted.
    """

    notification_id: str
    user_id: str
    library_id: str | None
    kind: NoticeKind
    parameters: Mapping[str, str | int | bool | None]
    cause: str
    text_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRead(Shape):
    """The person has read what they were told."""

    notification_id: str
    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementMade(Shape):
    """Everyone is told this, in public."""

    announcement_id: str
    title: str
    text: str


LibraryEvent = (
    LibraryCreated
    | LibraryUpdated
    | LibraryDeleted
    | LibraryHoursSet
    | LibraryRulesSet
    | ClosureAnnounced
    | ClosureWithdrawn
    | PricingUpdated
)
SeatEvent = SeatAdded | SeatUpdated | SeatRemoved | SeatAvailabilityChanged
HoldEvent = HoldPlaced | HoldReleased | HoldLapsed
BookingEvent = (
    BookingCreated
    | BookingRescheduled
    | BookingCancelled
    | BookingCheckedIn
    | BookingCheckedOut
    | BookingCompleted
    | BookingNoShow
    | BookingRevoked
)
PaymentEvent = PaymentRecorded | PaymentRefunded
StaffEvent = StaffInvited | StaffAdded | StaffRemoved
AccountEvent = AccountRegistered | AccountDisabled | AccountEnabled | AccountRoleChanged | AccountErased
WaitlistEvent = WaitlistJoined | WaitlistLeft | WaitlistOffered | WaitlistOfferLapsed | WaitlistAccepted
NoticeEvent = NotificationSent | NotificationRead | AnnouncementMade
Event = (
    LibraryEvent
    | SeatEvent
    | StaffEvent
    | AccountEvent
    | HoldEvent
    | BookingEvent
    | PaymentEvent
    | WaitlistEvent
    | NoticeEvent
)
