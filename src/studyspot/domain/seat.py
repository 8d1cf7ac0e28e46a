"""A seat: where it is, and whether it can be used."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from studyspot.domain.decider import Criterion
from studyspot.domain.events import (
    SeatAdded,
    SeatAvailabilityChanged,
    SeatEvent,
    SeatRemoved,
    SeatUpdated,
)
from studyspot.domain.tags import seat as seat_tag


@dataclass(frozen=True, slots=True)
class Seat:
    """While it is out of service, bookings are revoked from `revoke_at` on."""

    seat_id: str
    library_id: str
    label: str
    zone: str
    attributes: Mapping[str, str | int | bool]
    in_service: bool = True
    revoke_at: datetime | None = None
    removed: bool = False


def evolve_seat(seat: Seat | None, event: SeatEvent) -> Seat | None:
    if isinstance(event, SeatAdded):
        return Seat(event.seat_id, event.library_id, event.label, event.zone, event.attributes)
    if seat is None:
        return None
    match event:
        case SeatUpdated():
            return replace(seat, label=event.label, zone=event.zone, attributes=event.attributes)
        case SeatAvailabilityChanged():
            return replace(seat, in_service=event.in_service, revoke_at=event.revoke_at)
        case SeatRemoved():
            return replace(seat, removed=True, revoke_at=event.revoke_at)
        case _ as unreachable:
            assert_never(unreachable)


def events_of_seat(seat_id: str) -> tuple[Criterion, ...]:
    """Return what a decision about this seat reads."""
    types = (SeatAdded, SeatUpdated, SeatAvailabilityChanged, SeatRemoved)
    return (Criterion(types, seat_tag(seat_id), newest=True),)
