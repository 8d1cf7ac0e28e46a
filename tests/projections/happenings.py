"""Events as tests say them: what matters given, the rest made up."""

from datetime import UTC, datetime, timedelta
from typing import Any

from studyspot.catalogue.codec import Metadata, Recorded
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    Event,
    LibraryCreated,
    SeatAdded,
    SeatAvailabilityChanged,
)

NINE = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def recorded(event: Event, position: int = 1, at: datetime = NINE) -> Recorded:
    return Recorded(
        position=position,
        epoch="e1",
        event=event,
        metadata=Metadata(time=at, command_id=f"command-{position}"),
    )


def opened(library_id: str = "L1", owner_id: str = "owner", **details: Any) -> LibraryCreated:
    given = {"name": f"Library {library_id}", "city": "Pune", "time_zone": "Asia/Kolkata", **details}
    return LibraryCreated(library_id=library_id, owner_id=owner_id, currency="INR", **given)


def seat(seat_id: str = "S1", library_id: str = "L1") -> SeatAdded:
    return SeatAdded(library_id=library_id, seat_id=seat_id, label=seat_id, zone="quiet")


def service(seat_id: str, in_service: bool, library_id: str = "L1") -> SeatAvailabilityChanged:
    return SeatAvailabilityChanged(library_id=library_id, seat_id=seat_id, in_service=in_service)


def booked(
    booking_id: str = "B1",
    seat_id: str = "S1",
    start: datetime = NINE,
    hours: float = 1,
    user_id: str = "student",
    library_id: str = "L1",
) -> BookingCreated:
    return BookingCreated(
        booking_id=booking_id,
        occupation=f"o-{booking_id}",
        library_id=library_id,
        seat_id=seat_id,
        user_id=user_id,
        start=start,
        end=start + hours * HOUR,
        amount_minor=5000,
        currency="INR",
        check_in_from=start - HOUR / 4,
        check_in_until=start + HOUR / 2,
        free_cancel_until=start - HOUR,
    )


def cancelled(booking: BookingCreated, late: bool = False) -> BookingCancelled:
    return BookingCancelled(**booking.facts(), late=late)


def checked_in(booking: BookingCreated) -> BookingCheckedIn:
    return BookingCheckedIn(**booking.facts())


def checked_out(booking: BookingCreated) -> BookingCheckedOut:
    return BookingCheckedOut(**booking.facts())
