"""What reads are answered with."""

from typing import Literal

from studyspot.wire.bodies import PlanBody
from studyspot.wire.parked import MayBeParked
from studyspot.wire.shape import CamelModel, Instant

SeatStatus = Literal["free", "held", "booked", "occupied", "out-of-service"]
OccupationState = Literal["held", "booked", "occupied"]
BookingStatus = Literal["confirmed", "checked-in", "completed", "cancelled", "no-show", "revoked"]


class Reflected(MayBeParked):
    """Every read tells the position of the log that it reflects."""

    position: int


class LibrarySummary(MayBeParked):
    """A library in a search; prices are from `price_from_minor` in `currency`, none where it is free."""

    id: str
    name: str
    city: str
    address: str | None
    time_zone: str
    amenities: tuple[str, ...]
    currency: str
    price_from_minor: int | None
    seats: int
    seats_free_now: int


class LibrariesFound(Reflected):
    """A page of a search; `next` is the cursor of the page that follows."""

    rows: tuple[LibrarySummary, ...]
    next: str | None
    server_now: Instant


class ClosureView(CamelModel):
    """A closure during [start, end), or for good."""

    id: str
    start: Instant
    end: Instant | None


class LibraryView(Reflected):
    """What a library tells about itself; one that is retired takes no more bookings."""

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
    closures: tuple[ClosureView, ...]


class OccupationView(MayBeParked):
    """What takes a seat during [start, end); a hold ends by itself at `until`."""

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
    """A library's seats during [start, end); joining its room since `epoch` and `position` misses nothing."""

    epoch: str
    server_now: Instant
    library_id: str
    start: Instant
    end: Instant
    seats: tuple[SeatView, ...]


class BookingView(MayBeParked):
    """A booking as it stands; `late` says of a cancelled one whether it was cancelled too late."""

    id: str
    library_id: str
    seat_id: str
    user_id: str
    occupation: str
    start: Instant
    end: Instant
    status: BookingStatus
    amount_minor: int
    currency: str
    plan_id: str | None
    price_version: int | None
    check_in_from: Instant
    check_in_until: Instant
    free_cancel_until: Instant
    late: bool | None
    created_at: Instant
    changed_at: Instant


class BookingFound(Reflected, BookingView):
    server_now: Instant


class BookingsFound(Reflected):
    """A page of a list; `next` is the cursor of the page that follows."""

    rows: tuple[BookingView, ...]
    next: str | None
    server_now: Instant
