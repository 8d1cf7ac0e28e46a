"""A seat: where it is, and whether it can be used."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from studyspot.domain.decider import Criterion
from studyspot.domain.events import SeatAdded, SeatAvailabilityChanged, SeatEvent
from studyspot.domain.tags import seat as seat_tag


@dataclass(frozen=True, slots=True)
class Seat:
    seat_id: str
    library_id: str
    zone: str
    attributes: Mapping[str, str | int | bool]
    in_service: bool = True


def evolve_seat(seat: Seat | None, event: SeatEvent) -> Seat | None:
    match event:
        case SeatAdded():
            return Seat(event.seat_id, event.library_id, event.zone, event.attributes)
        case SeatAvailabilityChanged():
            return replace(seat, in_service=event.in_service) if seat else None
        case _ as unreachable:
            assert_never(unreachable)


def events_of_seat(seat_id: str) -> tuple[Criterion, ...]:
    """Return what a decision about this seat reads."""
    return (Criterion((SeatAdded, SeatAvailabilityChanged), seat_tag(seat_id), newest=True),)
