"""What reads are answered with. Answers may carry more than is named here."""

from datetime import datetime
from typing import Generic, Literal, TypeVar

from studyspot.wire.bodies import PlanBody
from studyspot.wire.shape import CamelModel

Row = TypeVar("Row")

SeatStatus = Literal["free", "held", "booked", "occupied", "out-of-service"]
OccupationState = Literal["held", "booked", "occupied"]
BookingStatus = Literal["confirmed", "checked-in", "completed", "cancelled", "no-show", "revoked"]


class OccupationRow(CamelModel):
    """A seat is taken during [start, end); a hold ends by itself at `until`."""

    id: str
    state: OccupationState
    start: datetime
    end: datetime
    until: datetime | None = None


class SeatRow(CamelModel):
    id: str
    label: str
    zone: str
    status: SeatStatus
    occupations: tuple[OccupationRow, ...] = ()


class SeatMapAnswer(CamelModel):
    """A library's seats for some time, as of `position`: join its room from there, and nothing is missed."""

    position: int
    epoch: str
    server_now: datetime
    seats: tuple[SeatRow, ...]


class LibraryRow(CamelModel):
    id: str
    name: str
    city: str
    time_zone: str
    currency: str
    address: str | None = None
    amenities: tuple[str, ...] = ()
    plans: tuple[PlanBody, ...] = ()


class BookingRow(CamelModel):
    id: str
    library_id: str
    seat_id: str
    user_id: str
    start: datetime
    end: datetime
    status: BookingStatus
    amount_minor: int
    currency: str


class Page(CamelModel, Generic[Row]):
    """Some rows as of `position`; `next` is the cursor of those that follow."""

    rows: tuple[Row, ...]
    position: int
    next: str | None = None
