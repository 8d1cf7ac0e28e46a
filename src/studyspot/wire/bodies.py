"""The bodies of commands about libraries and their seats, and what they are answered with."""

from typing import Annotated

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
    Moment,
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
    """What is left out stays.

    Out of service, its bookings may be moved until `revoke_at`, and those that are left are revoked then;
    without it, they are revoked at once.
    """

    label: ShortText | None = None
    zone: ShortText | None = None
    attributes: Attributes | None = None
    in_service: StrictBool | None = None
    revoke_at: Moment | None = None


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
    """How many bookings and holds went with it, in this request."""

    id: str
    revoked: int = 0
    released: int = 0


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


class SeatChangedAnswer(SeatAnswer, Positioned):
    revoke_at: Instant | None


class SeatRemovedAnswer(Positioned):
    id: str
