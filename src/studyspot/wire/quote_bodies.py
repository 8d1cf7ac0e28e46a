"""What is asked before a booking is made, and at the desk: prices, quotas, the desk's code."""

from studyspot.wire.bodies import Positioned
from studyspot.wire.shape import CamelModel, ClosedModel, Identifier, Instant, Moment


class QuoteBody(ClosedModel):
    """What would [start, end) on this seat cost? A library names the student as `user_id`."""

    seat_id: Identifier
    start: Moment
    end: Moment
    plan_id: Identifier | None = None
    user_id: Identifier | None = None


class QuoteView(CamelModel):
    """A price that is honoured until `valid_until`; without a plan, the seat is free of charge."""

    id: str
    library_id: str
    seat_id: str
    user_id: str
    start: Instant
    end: Instant
    plan_id: str | None
    price_version: int | None
    amount_minor: int
    currency: str
    valid_until: Instant


class QuoteAnswer(QuoteView, Positioned):
    server_now: Instant


class QuotaView(CamelModel):
    """A limit on bookings, or on minutes, by local day, by ISO week, or at once."""

    name: str
    limit: int
    used: int
    left: int


class AllowanceAnswer(Positioned):
    """What is left to a student on the day and in the week of `start`; what is not limited is not listed.

    `strikes` are missed bookings that count; with `strikes_allowed` of them booking is blocked for a while.
    """

    start: Instant
    quotas: tuple[QuotaView, ...]
    strikes: int
    strikes_allowed: int | None
    blocked_until: Instant | None
    server_now: Instant


class DeskCodeAnswer(Positioned):
    """The code that checks in now; `svg` shows it as a QR code."""

    code: str
    valid_until: Instant
    seconds_left: int
    svg: str
    server_now: Instant
