"""Events for these tests, each with the ids that a test cares about."""

from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from typing import Any

from studyspot.broker.stream import StreamMessage
from studyspot.catalogue.cloudevents import to_message
from studyspot.catalogue.codec import Metadata, encode
from studyspot.catalogue.types import type_of
from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountRegistered,
    AccountRoleChanged,
    AnnouncementMade,
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingCreated,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    LibraryCreated,
    LibraryDeleted,
    LibraryHoursSet,
    LibraryRulesSet,
    LibraryUpdated,
    NotificationRead,
    NotificationSent,
    PaymentRecorded,
    PaymentRefunded,
    Plan,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
    SeatRemoved,
    SeatUpdated,
    StaffAdded,
    StaffInvited,
    StaffRemoved,
    WaitlistAccepted,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferLapsed,
)
from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.people import Role
from studyspot.domain.rules import PRESETS

EPOCH = "k3"
START = datetime(2026, 12, 1, 9, tzinfo=UTC)
END = START + timedelta(hours=2)
CHECK_IN_UNTIL = START + timedelta(minutes=30)
OCCUPIED_UNTIL = END + timedelta(minutes=10)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def message(
    position: int, event: Event, *, actor: str = "actor-1", epoch: str = EPOCH, time: datetime = START
) -> StreamMessage:
    """The message of an event, as the relay publishes it."""
    metadata = Metadata(time=time, command_id=f"command-{position}", actor=actor, traceparent=TRACE)
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
    revoke_at = None if in_service else END
    return SeatAvailabilityChanged(
        library_id=library, seat_id=seat, in_service=in_service, revoke_at=revoke_at
    )


def occupation(library: str, student: str, booking: str) -> dict[str, Any]:
    return {
        "occupation": f"occupation-of-{booking}",
        "library_id": library,
        "seat_id": "S17",
        "user_id": student,
        "start": START,
        "end": END,
        "occupied_until": OCCUPIED_UNTIL,
    }


def hold(library: str = "L1", student: str = "s1", booking: str = "B7") -> dict[str, Any]:
    """The facts of the hold from which a booking is made."""
    until = START - timedelta(minutes=5)
    return occupation(library, student, booking) | {"hold_id": f"hold-of-{booking}", "until": until}


def facts(library: str = "L1", student: str = "s1", booking: str = "B7") -> dict[str, Any]:
    return occupation(library, student, booking) | {
        "booking_id": booking,
        "amount_minor": 10000,
        "currency": "INR",
    }


def terms(library: str = "L1", student: str = "s1", booking: str = "B7") -> dict[str, Any]:
    return facts(library, student, booking) | {
        "plan_id": "hourly",
        "price_version": 1,
        "check_in_from": START - timedelta(minutes=15),
        "check_in_until": CHECK_IN_UNTIL,
        "free_cancel_until": START - timedelta(hours=1),
        "late_refund_percent": 50,
    }


def booked(library: str = "L1", student: str = "s1", booking: str = "B7") -> BookingCreated:
    return BookingCreated(**terms(library, student, booking), hold_id=f"hold-of-{booking}")


def rescheduled(library: str = "L1", student: str = "s1", booking: str = "B7") -> BookingRescheduled:
    return BookingRescheduled(
        **terms(library, student, booking),
        previous_seat_id="S16",
        previous_start=START - timedelta(hours=4),
        previous_end=END - timedelta(hours=4),
        previous_occupied_until=OCCUPIED_UNTIL - timedelta(hours=4),
        previous_amount_minor=12000,
    )


def cancelled(library: str = "L1", student: str = "s1", booking: str = "B7") -> BookingCancelled:
    return BookingCancelled(
        **facts(library, student, booking), late=True, kept_minor=5000, reason_id="text-1"
    )


def checked_in(library: str = "L1", student: str = "s1", booking: str = "B7") -> BookingCheckedIn:
    return BookingCheckedIn(**facts(library, student, booking))


def checked_out(library: str = "L1", student: str = "s1", booking: str = "B7") -> BookingCheckedOut:
    return BookingCheckedOut(**facts(library, student, booking))


def revoked(library: str = "L1") -> BookingRevoked:
    return BookingRevoked(**facts(library), reason="closure", closure_id="C1", reason_id="text-2")


def paid(library: str = "L1") -> PaymentRecorded:
    return PaymentRecorded(
        **facts(library),
        status="confirmed",
        payment_id="P1",
        payment_minor=6000,
        paid_minor=6000,
        method="upi",
        reference_id="text-3",
    )


def refunded(library: str = "L1") -> PaymentRefunded:
    return PaymentRefunded(
        **facts(library),
        status="cancelled",
        refund_minor=1000,
        paid_minor=5000,
        reason="cancelled",
    )


def notified(library: str | None = "L1", student: str = "s1") -> NotificationSent:
    return NotificationSent(
        notification_id="N1",
        user_id=student,
        library_id=library,
        kind="booking-revoked",
        parameters={"bookingId": "B7", "seatLabel": "17"},
        cause="124:booking-revoked",
    )


def personal_notice(library: str | None = "L1") -> NotificationSent:
    return NotificationSent(
        notification_id="N2",
        user_id="s1",
        library_id=library,
        kind="personal",
        parameters={},
        cause="personal:T1",
        text_id="text-4",
    )


def staff_added(library: str = "L1", person: str = "t1") -> StaffAdded:
    return StaffAdded(library_id=library, user_id=person, invitation_id="I1")


def staff_removed(library: str = "L1", person: str = "t1") -> StaffRemoved:
    return StaffRemoved(library_id=library, user_id=person)


def role_changed(person: str, role: Role, previous_role: Role) -> AccountRoleChanged:
    return AccountRoleChanged(user_id=person, role=role, previous_role=previous_role)


def place(library: str = "L1", student: str = "s1", entry: str = "W1") -> dict[str, Any]:
    """The facts of a place in a waitlist."""
    return {
        "entry_id": entry,
        "library_id": library,
        "user_id": student,
        "start": START,
        "end": END,
        "zone": "quiet",
        "attributes": {"window": True},
    }


def offered(library: str = "L1", student: str = "s1", entry: str = "W1") -> WaitlistOffered:
    until = START - timedelta(minutes=50)
    return WaitlistOffered(**place(library, student, entry), hold_id="H1", seat_id="S17", until=until)


def announced() -> AnnouncementMade:
    return AnnouncementMade(announcement_id="A1", title="New rooms", text="Two libraries have opened.")


def hours_set(library: str = "L1") -> LibraryHoursSet:
    return LibraryHoursSet(
        library_id=library, hours=(OpenHours(day="monday", opens=time_of_day(9), closes=time_of_day(18)),)
    )


def rules_set(library: str = "L1") -> LibraryRulesSet:
    return LibraryRulesSet(library_id=library, rules=PRESETS["leeds"])


def seat_updated(library: str = "L1") -> SeatUpdated:
    return SeatUpdated(library_id=library, seat_id="S17", label="17b", zone="general")


def one_of_each(library: str = "L1") -> tuple[Event, ...]:
    """An event of every class, the library's creation first."""
    return (
        library_created(library),
        library_updated(library),
        hours_set(library),
        rules_set(library),
        pricing_updated(library),
        seat_added(library),
        seat_updated(library),
        service_changed(library),
        SeatRemoved(library_id=library, seat_id="S17", revoke_at=END),
        HoldPlaced(**hold(library)),
        HoldReleased(**hold(library)),
        HoldLapsed(**hold(library)),
        booked(library),
        rescheduled(library),
        checked_in(library),
        checked_out(library),
        BookingCompleted(**facts(library)),
        BookingNoShow(**facts(library), missed_at=CHECK_IN_UNTIL),
        cancelled(library),
        revoked(library),
        paid(library),
        refunded(library),
        notified(library),
        ClosureAnnounced(library_id=library, closure_id="C1", start=START, end=END, revoke_at=START),
        ClosureWithdrawn(library_id=library, closure_id="C1"),
        StaffInvited(library_id=library, invitation_id="I1", user_id="t1", until=END),
        staff_added(library),
        staff_removed(library),
        AccountRegistered(user_id="u1", role="student"),
        role_changed("u1", "staff", "student"),
        AccountDisabled(user_id="u1"),
        AccountEnabled(user_id="u1"),
        AccountErased(user_id="u1"),
        WaitlistJoined(**place(library)),
        offered(library),
        WaitlistOfferLapsed(**place(library), status="lapsed", hold_id="H1", seat_id="S17"),
        WaitlistAccepted(**place(library), hold_id="H1", booking_id="B7"),
        WaitlistLeft(**place(library), reason="asked"),
        NotificationRead(notification_id="N1", user_id="s1"),
        announced(),
        LibraryDeleted(library_id=library),
    )
