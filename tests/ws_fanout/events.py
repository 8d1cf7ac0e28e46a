"""Events for these tests, each with the ids that a test cares about."""

from datetime import UTC, datetime, timedelta

from studyspot.broker.stream import StreamMessage
from studyspot.catalogue.cloudevents import to_message
from studyspot.catalogue.codec import Metadata, encode
from studyspot.catalogue.types import type_of
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCreated,
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    LibraryCreated,
    LibraryDeleted,
    LibraryUpdated,
    Plan,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
)

EPOCH = "k3"
START = datetime(2026, 12, 1, 9, tzinfo=UTC)
END = START + timedelta(hours=2)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def message(position: int, event: Event, *, actor: str = "actor-1", epoch: str = EPOCH) -> StreamMessage:
    """The message of an event, as the relay publishes it."""
    metadata = Metadata(time=START, command_id=f"command-{position}", actor=actor, traceparent=TRACE)
    made = to_message(position, epoch, type_of(type(event)), encode(event, metadata))
    return StreamMessage(position, made.subject, made.body)


def library_created(library: str = "L1", owner: str = "o1") -> LibraryCreated:
    return LibraryCreated(
        library_id=library,
        owner_id=owner,
        currency="INR",
        name="Quiet Place",
        city="Pune",
        time_zone="Asia/Kolkata",
        address="1 Road",
        amenities=("wifi",),
    )


def library_updated(library: str = "L1") -> LibraryUpdated:
    return LibraryUpdated(library_id=library, name="Quieter Place", city="Pune", time_zone="Asia/Kolkata")


def pricing_updated(library: str = "L1", version: int = 1) -> PricingUpdated:
    plan = Plan(id="hourly", unit="hour", amount_minor=5000)
    return PricingUpdated(library_id=library, price_version=version, currency="INR", plans=(plan,))


def seat_added(library: str = "L1", seat: str = "S17") -> SeatAdded:
    return SeatAdded(library_id=library, seat_id=seat, label="17", zone="quiet", attributes={"window": True})


def service_changed(
    library: str = "L1", seat: str = "S17", *, in_service: bool = False
) -> SeatAvailabilityChanged:
    return SeatAvailabilityChanged(library_id=library, seat_id=seat, in_service=in_service)


def facts(library: str, student: str, booking: str) -> dict[str, object]:
    return {
        "booking_id": booking,
        "occupation": f"occupation-of-{booking}",
        "library_id": library,
        "seat_id": "S17",
        "user_id": student,
        "start": START,
        "end": END,
        "amount_minor": 10000,
        "currency": "INR",
    }


def booked(library: str = "L1", student: str = "s1", booking: str = "B7") -> BookingCreated:
    return BookingCreated(
        **facts(library, student, booking),  # type: ignore[arg-type]
        plan_id="hourly",
        price_version=1,
        check_in_from=START - timedelta(minutes=15),
        check_in_until=START + timedelta(minutes=30),
        free_cancel_until=START - timedelta(hours=1),
    )


def cancelled(library: str = "L1", student: str = "s1", booking: str = "B7") -> BookingCancelled:
    return BookingCancelled(**facts(library, student, booking), late=False, reason_id="text-1")  # type: ignore[arg-type]


def checked_in(library: str = "L1", student: str = "s1", booking: str = "B7") -> BookingCheckedIn:
    return BookingCheckedIn(**facts(library, student, booking))  # type: ignore[arg-type]


def checked_out(library: str = "L1", student: str = "s1", booking: str = "B7") -> BookingCheckedOut:
    return BookingCheckedOut(**facts(library, student, booking))  # type: ignore[arg-type]


def one_of_each(library: str = "L1") -> tuple[Event, ...]:
    """An event of every class, the library's creation first."""
    return (
        library_created(library),
        library_updated(library),
        pricing_updated(library),
        seat_added(library),
        service_changed(library),
        booked(library),
        checked_in(library),
        checked_out(library),
        cancelled(library),
        ClosureAnnounced(library_id=library, closure_id="C1", start=START, end=END),
        ClosureWithdrawn(library_id=library, closure_id="C1"),
        LibraryDeleted(library_id=library),
    )
