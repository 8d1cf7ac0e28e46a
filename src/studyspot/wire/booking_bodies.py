"""The bodies of commands about holds and bookings, and what they are answered with."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from studyspot.domain.events import BookingStatus, PaymentMethod
from studyspot.wire.bodies import Positioned
from studyspot.wire.shape import CamelModel, ClosedModel, Identifier, Instant, LongText, Moment, ShortText

PaidMinor = Annotated[int, Field(strict=True, ge=1, le=10**15)]
Party = Literal["student", "library", "system"]


class HoldSeatBody(ClosedModel):
    library_id: Identifier
    seat_id: Identifier
    start: Moment
    end: Moment
    user_id: Identifier | None = None


class BookSeatBody(ClosedModel):
    """Book [start, end) of a seat, perhaps held as `hold_id`, at the price of `quote_id` while valid."""

    library_id: Identifier
    seat_id: Identifier
    start: Moment
    end: Moment
    plan_id: Identifier | None = None
    quote_id: Identifier | None = None
    hold_id: Identifier | None = None
    user_id: Identifier | None = None


class RescheduleBody(ClosedModel):
    """What is left out stays as it is, but for the price."""

    seat_id: Identifier | None = None
    start: Moment | None = None
    end: Moment | None = None
    plan_id: Identifier | None = None
    quote_id: Identifier | None = None


class CancelBody(ClosedModel):
    reason: LongText | None = None


class CheckInBody(ClosedModel):
    """`code` is what the library's desk shows; students need it."""

    code: ShortText | None = None


class RevokeBody(ClosedModel):
    reason: LongText | None = None


class PaymentBody(ClosedModel):
    """What the library was paid, and how; or what it gave back: of that, only the amount is kept."""

    kind: Literal["payment", "refund"]
    amount_minor: PaidMinor
    method: PaymentMethod | None = None
    reference: ShortText | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "payment" and self.method is None:
            raise ValueError("a payment names its method")
        if self.kind == "refund" and self.reference is not None:
            raise ValueError("a refund keeps no reference")
        return self


class HoldAnswer(Positioned):
    """A hold; it is over at `until`, whether or not anything says so."""

    id: str
    library_id: str
    seat_id: str
    user_id: str
    start: Instant
    end: Instant
    until: Instant
    status: Literal["held"]


class HoldReleasedAnswer(Positioned):
    id: str
    status: Literal["released"]


class BookingAnswer(Positioned):
    id: str
    library_id: str
    seat_id: str
    user_id: str
    start: Instant
    end: Instant
    status: Literal["confirmed"]
    amount_minor: int
    currency: str
    plan_id: str | None
    price_version: int | None
    hold_id: str | None = None
    check_in_from: Instant
    check_in_until: Instant
    free_cancel_until: Instant
    late_refund_percent: int
    plan_share: bool


class RescheduledAnswer(BookingAnswer):
    """The booking as it is now; `refund_minor` is what is given back of what was paid."""

    refund_minor: int


class CancelledAnswer(Positioned):
    """Of the amount, the library keeps `kept_minor`; `refund_minor` is given back of what was paid."""

    id: str
    status: Literal["cancelled"]
    late: bool
    kept_minor: int
    refund_minor: int


class RevokedAnswer(Positioned):
    id: str
    status: Literal["revoked"]
    kept_minor: int
    refund_minor: int


class AttendanceAnswer(Positioned):
    id: str
    status: Literal["checked-in", "completed"]


class PaymentAnswer(Positioned):
    """What the library now has for the booking, and what is still due; `payment_id` where it was paid."""

    id: str
    kind: Literal["payment", "refund"]
    payment_id: str | None
    amount_minor: int
    currency: str
    paid_minor: int
    due_minor: int
    booking_status: BookingStatus


class HistoryEntry(CamelModel):
    """One thing that happened: who did it, when, and what, in words; `actor` is none where time did.

    `note` is what they wrote beside it, as long as it is kept: a reason, or a payment's reference.
    """

    position: int
    type: str
    time: Instant
    actor: str | None
    by: Party
    text: str
    note: str | None


class HistoryFound(Positioned):
    """What happened to a booking, oldest first; `next` is the cursor of the page that follows."""

    rows: tuple[HistoryEntry, ...]
    next: str | None
    server_now: Instant
