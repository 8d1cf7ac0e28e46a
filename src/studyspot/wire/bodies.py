"""The bodies of commands, and what they are answered with."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt

from studyspot.domain.events import PlanUnit, ShiftName
from studyspot.wire.shape import (
    AmountMinor,
    CamelModel,
    ClosedModel,
    Currency,
    Identifier,
    Instant,
    LongText,
    ShortText,
)


def _none_twice(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("the same value stands twice")
    return values


Amenities = Annotated[tuple[ShortText, ...], Field(max_length=50), AfterValidator(_none_twice)]
Attributes = Annotated[
    dict[ShortText, StrictBool | Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)] | ShortText],
    Field(max_length=20),
]


class CreateLibraryBody(ClosedModel):
    name: ShortText
    city: ShortText
    address: LongText | None = None
    time_zone: ShortText
    currency: Currency = "INR"
    amenities: Amenities = ()


class UpdateLibraryBody(ClosedModel):
    """Fields that are left out stay; `null` is only an address's absence."""

    name: ShortText = Field(default="")
    city: ShortText = Field(default="")
    address: LongText | None = None
    time_zone: ShortText = Field(default="")
    amenities: Amenities = ()


class PlanBody(ClosedModel):
    id: Identifier
    unit: PlanUnit
    shift: ShiftName | None = None
    zone: ShortText | None = None
    amount_minor: AmountMinor


class PricingBody(ClosedModel):
    plans: Annotated[tuple[PlanBody, ...], Field(max_length=100)]


class NewSeatBody(ClosedModel):
    label: ShortText
    zone: ShortText = "general"
    attributes: Attributes = Field(default_factory=dict)


class AddSeatsBody(ClosedModel):
    seats: Annotated[tuple[NewSeatBody, ...], Field(min_length=1, max_length=500)]


class ChangeSeatBody(ClosedModel):
    in_service: StrictBool


class BookSeatBody(ClosedModel):
    library_id: Identifier
    seat_id: Identifier
    start: Instant
    end: Instant
    plan_id: Identifier | None = None
    user_id: Identifier | None = None


class CancelBody(ClosedModel):
    reason: LongText | None = None


class Positioned(CamelModel):
    """Every command is answered with the position of its last event."""

    position: StrictInt


class LibraryAnswer(Positioned):
    id: str
    name: str
    city: str
    address: str | None
    time_zone: str
    currency: str
    amenities: tuple[str, ...]


class RetiredAnswer(Positioned):
    id: str


class PricingAnswer(Positioned):
    price_version: int
    currency: str
    plans: tuple[PlanBody, ...]


class SeatAnswer(CamelModel):
    id: str
    label: str
    zone: str
    attributes: dict[str, bool | int | str]
    in_service: bool


class SeatsAnswer(Positioned):
    seats: tuple[SeatAnswer, ...]


class SeatServiceAnswer(Positioned):
    id: str
    in_service: bool


class BookingAnswer(Positioned):
    id: str
    library_id: str
    seat_id: str
    user_id: str
    start: datetime
    end: datetime
    status: Literal["confirmed"]
    amount_minor: int
    currency: str
    plan_id: str | None
    check_in_from: datetime
    check_in_until: datetime
    free_cancel_until: datetime


class CancelledAnswer(Positioned):
    id: str
    status: Literal["cancelled"]
    late: bool


class AttendanceAnswer(Positioned):
    id: str
    status: Literal["checked-in", "completed"]
