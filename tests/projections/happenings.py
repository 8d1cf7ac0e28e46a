"""Events as tests say them: what matters given, the rest made up."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from studyspot.catalogue.codec import Metadata, Recorded
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingCreated,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    BookingStatus,
    BookingTerms,
    Event,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    LibraryCreated,
    NotificationSent,
    OccupationFacts,
    PaymentRecorded,
    PaymentRefunded,
    SeatAdded,
    SeatAvailabilityChanged,
    StaffAdded,
    StaffInvited,
    StaffRemoved,
    WaitlistJoined,
    WaitlistOffered,
)

NINE = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def recorded(event: Event, position: int = 1, at: datetime = NINE, actor: str | None = None) -> Recorded:
    return Recorded(
        position=position,
        epoch="e1",
        event=event,
        metadata=Metadata(time=at, command_id=f"command-{position}", actor=actor),
    )


def opened(library_id: str = "L1", owner_id: str = "owner", **details: Any) -> LibraryCreated:
    given = {"name": f"Library {library_id}", "city": "Pune", "time_zone": "Asia/Kolkata", **details}
    return LibraryCreated(library_id=library_id, owner_id=owner_id, currency="INR", **given)


def seat(seat_id: str = "S1", library_id: str = "L1", zone: str = "quiet") -> SeatAdded:
    return SeatAdded(library_id=library_id, seat_id=seat_id, label=seat_id, zone=zone)


def service(seat_id: str, in_service: bool, library_id: str = "L1") -> SeatAvailabilityChanged:
    return SeatAvailabilityChanged(library_id=library_id, seat_id=seat_id, in_service=in_service)


def held(
    hold_id: str = "H1",
    seat_id: str = "S1",
    start: datetime = NINE,
    hours: float = 1,
    until: datetime = NINE,
    buffer: timedelta = timedelta(),
    library_id: str = "L1",
) -> HoldPlaced:
    return HoldPlaced(
        hold_id=hold_id,
        occupation=f"o-{hold_id}",
        library_id=library_id,
        seat_id=seat_id,
        user_id="student",
        start=start,
        end=start + hours * HOUR,
        occupied_until=start + hours * HOUR + buffer,
        until=until,
    )


def released(hold: HoldPlaced) -> HoldReleased:
    return HoldReleased(**hold.facts())


def lapsed(hold: HoldPlaced) -> HoldLapsed:
    return HoldLapsed(**hold.facts())


def booked(
    booking_id: str = "B1",
    seat_id: str = "S1",
    start: datetime = NINE,
    hours: float = 1,
    user_id: str = "student",
    library_id: str = "L1",
    buffer: timedelta = timedelta(),
    amount_minor: int = 5000,
    currency: str = "INR",
    series_id: str | None = None,
) -> BookingCreated:
    return BookingCreated(
        booking_id=booking_id,
        occupation=f"o-{booking_id}",
        library_id=library_id,
        seat_id=seat_id,
        user_id=user_id,
        start=start,
        end=start + hours * HOUR,
        occupied_until=start + hours * HOUR + buffer,
        amount_minor=amount_minor,
        currency=currency,
        check_in_from=start - HOUR / 4,
        check_in_until=start + HOUR / 2,
        free_cancel_until=start - HOUR,
        series_id=series_id,
    )


def booked_from(hold: HoldPlaced, booking_id: str = "B1") -> BookingCreated:
    made = booked(booking_id, start=hold.start, hours=(hold.end - hold.start) / HOUR)
    facts = {known.name: getattr(hold, known.name) for known in fields(OccupationFacts)}
    return BookingCreated(**{**made.terms(), **facts}, hold_id=hold.hold_id)


def rescheduled(
    booking: BookingTerms, *, seat_id: str, start: datetime, amount_minor: int = 7000
) -> BookingRescheduled:
    """The booking, as long as before, at another time and seat."""
    later = start - booking.start
    moved = {
        "seat_id": seat_id,
        "start": start,
        "end": booking.end + later,
        "occupied_until": booking.occupied_until + later,
        "amount_minor": amount_minor,
        "check_in_from": booking.check_in_from + later,
        "check_in_until": booking.check_in_until + later,
        "free_cancel_until": booking.free_cancel_until + later,
    }
    return BookingRescheduled(
        **{**booking.terms(), **moved},
        previous_seat_id=booking.seat_id,
        previous_start=booking.start,
        previous_end=booking.end,
        previous_occupied_until=booking.occupied_until,
        previous_amount_minor=booking.amount_minor,
    )


def cancelled(booking: BookingTerms, late: bool = False, kept_minor: int = 0) -> BookingCancelled:
    return BookingCancelled(**booking.facts(), late=late, kept_minor=kept_minor)


def checked_in(booking: BookingTerms) -> BookingCheckedIn:
    return BookingCheckedIn(**booking.facts())


def checked_out(booking: BookingTerms) -> BookingCheckedOut:
    return BookingCheckedOut(**booking.facts())


def completed(booking: BookingTerms) -> BookingCompleted:
    return BookingCompleted(**booking.facts())


def missed(booking: BookingTerms) -> BookingNoShow:
    return BookingNoShow(**booking.facts(), missed_at=booking.check_in_until)


def revoked(booking: BookingTerms, closure_id: str | None = "C1") -> BookingRevoked:
    return BookingRevoked(**booking.facts(), reason="closure", closure_id=closure_id)


def paid(
    booking: BookingTerms,
    payment_minor: int,
    paid_minor: int,
    status: BookingStatus = "confirmed",
    payment_id: str = "P1",
) -> PaymentRecorded:
    """`paid_minor` is what the library then has."""
    return PaymentRecorded(
        **booking.facts(),
        status=status,
        payment_id=payment_id,
        payment_minor=payment_minor,
        paid_minor=paid_minor,
        method="upi",
        reference_id="R1",
    )


def refunded(
    booking: BookingTerms, refund_minor: int, paid_minor: int, status: BookingStatus = "cancelled"
) -> PaymentRefunded:
    """`paid_minor` is what the library still has."""
    return PaymentRefunded(
        **booking.facts(),
        status=status,
        refund_minor=refund_minor,
        paid_minor=paid_minor,
        reason="cancelled",
    )


def notice(notification_id: str = "N1", user_id: str = "student", **parameters: Any) -> NotificationSent:
    return NotificationSent(
        notification_id=notification_id,
        user_id=user_id,
        library_id="L1",
        kind="booking-revoked",
        parameters=parameters,
        cause=f"{notification_id}:booking-revoked",
    )


def invited(
    user_id: str | None = None,
    invitation_id: str = "I1",
    library_id: str = "L1",
    until: datetime = NINE + timedelta(days=3650),
) -> StaffInvited:
    """An invitation, to an address where no person is named."""
    return StaffInvited(library_id=library_id, invitation_id=invitation_id, user_id=user_id, until=until)


def hired(user_id: str, library_id: str = "L1", invitation_id: str = "I1") -> StaffAdded:
    return StaffAdded(library_id=library_id, user_id=user_id, invitation_id=invitation_id)


def let_go(user_id: str, library_id: str = "L1") -> StaffRemoved:
    return StaffRemoved(library_id=library_id, user_id=user_id)


def joined(
    entry_id: str = "E1",
    user_id: str = "student",
    start: datetime = NINE,
    hours: float = 1,
    library_id: str = "L1",
    **wishes: Any,
) -> WaitlistJoined:
    return WaitlistJoined(
        entry_id=entry_id,
        library_id=library_id,
        user_id=user_id,
        start=start,
        end=start + hours * HOUR,
        **wishes,
    )


def offered(
    entry: WaitlistJoined, until: datetime, hold_id: str = "H1", seat_id: str = "S1"
) -> WaitlistOffered:
    return WaitlistOffered(**entry.facts(), hold_id=hold_id, seat_id=seat_id, until=until)
