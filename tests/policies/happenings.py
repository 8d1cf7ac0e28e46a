"""Events as tests of policies say them: what matters given, the rest made up."""

from datetime import UTC, datetime, timedelta
from typing import Any

from studyspot.domain.events import (
    BookingCreated,
    BookingFacts,
    BookingNoShow,
    BookingRescheduled,
    ClosureAnnounced,
    ClosureWithdrawn,
    HoldFacts,
    HoldPlaced,
    LibraryCreated,
    SeatAdded,
    SeatAvailabilityChanged,
    WaitlistJoined,
)

NINE = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
BUFFER = timedelta(minutes=10)


def opened(library_id: str = "L1") -> LibraryCreated:
    return LibraryCreated(
        library_id=library_id,
        owner_id="owner",
        currency="INR",
        name="Saraswati",
        city="Pune",
        time_zone="Asia/Kolkata",
    )


def seat(seat_id: str = "S1", library_id: str = "L1") -> SeatAdded:
    return SeatAdded(library_id=library_id, seat_id=seat_id, label=seat_id, zone="quiet")


def service(in_service: bool, revoke_at: datetime | None = None) -> SeatAvailabilityChanged:
    return SeatAvailabilityChanged(library_id="L1", seat_id="S1", in_service=in_service, revoke_at=revoke_at)


def closed(
    start: datetime = NINE, end: datetime | None = NINE + 8 * HOUR, revoke_at: datetime | None = None
) -> ClosureAnnounced:
    return ClosureAnnounced(library_id="L1", closure_id="C1", start=start, end=end, revoke_at=revoke_at)


def withdrawn() -> ClosureWithdrawn:
    return ClosureWithdrawn(library_id="L1", closure_id="C1")


def held(hold_id: str = "H1", until: datetime = NINE - HOUR, seat_id: str = "S1") -> HoldPlaced:
    return HoldPlaced(
        hold_id=hold_id,
        until=until,
        occupation=f"o-{hold_id}",
        library_id="L1",
        seat_id=seat_id,
        user_id="student",
        start=NINE,
        end=NINE + HOUR,
        occupied_until=NINE + HOUR + BUFFER,
    )


def booked(
    booking_id: str = "B1",
    seat_id: str = "S1",
    start: datetime = NINE,
    user_id: str = "student",
    hold_id: str | None = None,
) -> BookingCreated:
    return BookingCreated(
        booking_id=booking_id,
        occupation=f"o-{booking_id}",
        library_id="L1",
        seat_id=seat_id,
        user_id=user_id,
        start=start,
        end=start + HOUR,
        occupied_until=start + HOUR + BUFFER,
        amount_minor=5000,
        currency="INR",
        check_in_from=start - HOUR / 4,
        check_in_until=start + HOUR / 2,
        free_cancel_until=start - HOUR,
        hold_id=hold_id,
    )


def moved(booking: BookingCreated, start: datetime) -> BookingRescheduled:
    terms = booked(booking.booking_id, booking.seat_id, start, booking.user_id).terms()
    return BookingRescheduled(
        **terms,
        previous_seat_id=booking.seat_id,
        previous_start=booking.start,
        previous_end=booking.end,
        previous_occupied_until=booking.occupied_until,
        previous_amount_minor=booking.amount_minor,
    )


def missed(booking: BookingCreated) -> BookingNoShow:
    return BookingNoShow(**booking.facts(), missed_at=booking.check_in_until)


def waits(entry_id: str = "W1", start: datetime = NINE, **more: Any) -> WaitlistJoined:
    return WaitlistJoined(
        entry_id=entry_id,
        library_id="L1",
        user_id=f"u-{entry_id}",
        start=start,
        end=start + HOUR,
        **more,
    )


def became(kind: type[Any], facts: BookingFacts | HoldFacts, **more: Any) -> Any:
    """What happens to a hold or booking next, such as `BookingCheckedIn`."""
    return kind(**facts.facts(), **more)
