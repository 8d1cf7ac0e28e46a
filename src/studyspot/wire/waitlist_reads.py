"""Waitlists, as they are read."""

from typing import Literal

from studyspot.domain.events import WaitlistLeaving
from studyspot.wire.parked import MayBeParked
from studyspot.wire.read_bodies import Reflected
from studyspot.wire.shape import CamelModel, Instant

WaitlistStatus = Literal["waiting", "offered", "accepted", "lapsed", "left"]


class OfferView(CamelModel):
    """A seat that is held until `until` for who waited, and for nobody else."""

    hold_id: str
    seat_id: str
    until: Instant


class WaitlistEntryView(MayBeParked):
    """A place in a waitlist, as the clock has it; `place` is 1 for who is offered the next seat alike.

    Without `zone` and `attributes` any seat does. Who lost `revoked_booking_id` waits before all others.
    """

    id: str
    library_id: str
    user_id: str
    start: Instant
    end: Instant
    zone: str | None
    attributes: dict[str, bool | int | str]
    status: WaitlistStatus
    place: int | None
    offer: OfferView | None
    booking_id: str | None
    left_reason: WaitlistLeaving | None
    revoked_booking_id: str | None
    joined_at: Instant


class WaitlistFound(Reflected):
    """A page of places in waitlists; `next` is the cursor of the page that follows."""

    rows: tuple[WaitlistEntryView, ...]
    next: str | None
    server_now: Instant
