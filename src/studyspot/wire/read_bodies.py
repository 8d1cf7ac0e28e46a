"""What reads are answered with."""

from typing import Literal

from studyspot.domain.events import BookingStatus, PaymentMethod, RefundReason, RevocationReason
from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.rules import BookingRules
from studyspot.wire.bodies import PlanBody
from studyspot.wire.parked import MayBeParked
from studyspot.wire.shape import CamelModel, Instant

SeatStatus = Literal["free", "held", "booked", "occupied", "out-of-service"]
OccupationState = Literal["held", "booked", "occupied"]
LedgerEntryKind = Literal["charge", "charge-difference", "waiver", "payment", "refund"]


class Reflected(MayBeParked):
    """Every read tells the position of the log that it reflects."""

    position: int


class LibrarySummary(MayBeParked):
    """A library in a search; prices are from `price_from_minor` in `currency`, none where it is free.

    Without `hours` it is always open. One that is closed now has no seat free now.
    """

    id: str
    name: str
    city: str
    address: str | None
    time_zone: str
    amenities: tuple[str, ...]
    currency: str
    price_from_minor: int | None
    hours: tuple[OpenHours, ...] | None
    open_now: bool
    seats: int
    seats_free_now: int


class LibrariesFound(Reflected):
    """A page of a search; `next` is the cursor of the page that follows."""

    rows: tuple[LibrarySummary, ...]
    next: str | None
    server_now: Instant


class ClosureView(CamelModel):
    """A closure during [start, end), or for good; what still overlaps it at `revoke_at` is revoked."""

    id: str
    start: Instant
    end: Instant | None
    revoke_at: Instant | None


class LibraryView(Reflected):
    """What a library tells about itself; one that is retired takes no more bookings.

    Without `hours` it is always open; `rules` are those of bookings made from now on.
    """

    id: str
    name: str
    city: str
    address: str | None
    time_zone: str
    amenities: tuple[str, ...]
    currency: str
    retired: bool
    price_version: int | None
    plans: tuple[PlanBody, ...]
    hours: tuple[OpenHours, ...] | None
    rules: BookingRules
    closures: tuple[ClosureView, ...]


class OccupationView(MayBeParked):
    """What takes a seat during [start, end), a buffer included; a hold ends by itself at `until`."""

    id: str
    state: OccupationState
    start: Instant
    end: Instant
    until: Instant | None = None


class SeatView(MayBeParked):
    """A seat, and what takes it within the time asked for; `status` is the strongest of these."""

    id: str
    label: str
    zone: str
    attributes: dict[str, bool | int | str]
    status: SeatStatus
    occupations: tuple[OccupationView, ...]


class SeatMap(Reflected):
    """A library's seats during [start, end); joining its room since `epoch` and `position` misses nothing.

    With `at`, as they were then, when the log ended at `position`.
    """

    epoch: str
    server_now: Instant
    library_id: str
    start: Instant
    end: Instant
    at: Instant | None = None
    seats: tuple[SeatView, ...]


class BookingView(MayBeParked):
    """A booking as it stands; the seat is taken until `occupied_until`, a buffer after the end.

    Of `amount_minor`, the library keeps `kept_minor` of one that was cancelled or revoked. `due_minor` is
    what is still to be paid, below zero where more was paid than is kept. `late` says of a cancelled one
    whether it was cancelled too late; `ended_at` is when the seat was given back, in whichever way.
    """

    id: str
    library_id: str
    seat_id: str
    user_id: str
    occupation: str
    hold_id: str | None
    series_id: str | None
    start: Instant
    end: Instant
    occupied_until: Instant
    status: BookingStatus
    amount_minor: int
    kept_minor: int | None
    paid_minor: int
    due_minor: int
    currency: str
    plan_id: str | None
    price_version: int | None
    check_in_from: Instant
    check_in_until: Instant
    free_cancel_until: Instant
    late_refund_percent: int
    plan_share: bool
    checked_in_at: Instant | None
    ended_at: Instant | None
    late: bool | None
    revocation_reason: RevocationReason | None
    closure_id: str | None
    created_at: Instant
    changed_at: Instant


class LedgerEntry(CamelModel):
    """What an event did to the money of its booking; `by` is who did it, none where time did.

    Amounts are positive, but for a `charge-difference` where the new price is lower. A `waiver` is what of
    the charges need not be paid.
    """

    position: int
    kind: LedgerEntryKind
    amount_minor: int
    currency: str
    at: Instant
    by: str | None
    method: PaymentMethod | None = None
    reason: RefundReason | None = None
    payment_id: str | None = None
    reference_id: str | None = None


class BookingFound(Reflected, BookingView):
    """One booking, with its ledger, oldest entry first; of it, `refunded_minor` are the refunds."""

    ledger: tuple[LedgerEntry, ...]
    refunded_minor: int
    server_now: Instant


class BookingsFound(Reflected):
    """A page of a list; `next` is the cursor of the page that follows."""

    rows: tuple[BookingView, ...]
    next: str | None
    server_now: Instant
