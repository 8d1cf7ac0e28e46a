"""The rows of the contract's table of events on the wire."""

from typing import Any

from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountRegistered,
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
    LibraryDeleted,
    NotificationRead,
    PaymentRecorded,
    PaymentRefunded,
    SeatRemoved,
    StaffAdded,
    StaffInvited,
    StaffRemoved,
    WaitlistAccepted,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOfferLapsed,
)
from tests.ws_fanout import events as given
from tests.ws_fanout.socket_io.rows import AN_INSTANT, Row, Sight, View
from tests.ws_fanout.socket_io.stays import Stay, far_away, just_over, now
from tests.ws_fanout.socket_io.told import Packet

STUDENT, LIBRARY, STAFF = "user:s1", "library:L1", "library:L1:staff"
STUDENTS, OWNERS, EVERYONE = "role:student", "role:library_owner", "everyone"

_OCCUPATION = "libraryId seatId userId start end occupiedUntil status occupation state"
_BOOKING = f"bookingId amountMinor currency {_OCCUPATION}"
_PAYMENT = _BOOKING.removesuffix(" state")
_TERMS = "planId priceVersion checkInFrom checkInUntil freeCancelUntil lateRefundPercent planShare"
_MOVED = "previousSeatId previousStart previousEnd previousOccupiedUntil previousAmountMinor"
_SEAT = "seatId occupation state start end"


def seat_packet(seat: str, *, available: bool) -> Packet:
    return Packet(
        "seat:availability",
        {"libraryId": "L1", "seatId": seat, "available": available, "timestamp": AN_INSTANT},
    )


def flat(booking: str, stay: Stay, status: str) -> dict[str, Any]:
    """What portals read of a booking; a hundred rupees are 10 000 paise."""
    return {
        "id": booking,
        "bookingId": booking,
        "studentName": "Asha",
        "libraryName": "Quiet Place",
        "libraryId": "L1",
        "seatId": stay.seat,
        **stay.clock(),
        "status": status,
        "totalAmount": 100,
        "amount": 100,
    }


def of_booking(
    booking: str,
    stay: Stay,
    name: str,
    status: str,
    *,
    fields: str,
    state: str | None,
    seats: tuple[Packet, ...],
) -> dict[str, Sight]:
    """What the party, the library's staff and its visitors are told; `seats` are the packets about seats."""
    payload = flat(booking, stay, status)
    if name == "booking:cancelled":
        payload = {"id": booking, "bookingId": booking, "booking": payload}
    facts = {
        "bookingId": booking,
        "userId": "s1",
        "seatId": stay.seat,
        "status": status,
        "amountMinor": 10000,
    }
    packet = Packet(name, payload)
    sights = {
        STUDENT: Sight(name, View.FULL, fields, facts, (packet,)),
        STAFF: Sight(
            name, View.STAFF, f"{fields} studentName", facts | {"studentName": "Asha"}, (*seats, packet)
        ),
    }
    if state is not None:
        public = {"seatId": stay.seat, "occupation": f"occupation-of-{booking}", "state": state}
        sights[LIBRARY] = Sight("seat:availability", View.PUBLIC, _SEAT, public, seats)
    return sights


def created(booking: str, stay: Stay, *seats: Packet) -> Row:
    event = BookingCreated(**stay.terms(booking), hold_id="H1")
    fields = f"{_BOOKING} {_TERMS} holdId seriesId"
    sights = of_booking(
        booking, stay, "booking:created", "confirmed", fields=fields, state="booked", seats=seats
    )
    when = {"libraryName": "Quiet Place", "libraryId": "L1", **stay.clock()}
    sights[OWNERS] = Sight(
        "booking:created", View.SUMMARY, "libraryId start end", {}, (Packet("booking:created", when),)
    )
    title = "booking.created, of this hour" if seats else "booking.created, of a day to come"
    return Row(title, event, sights)


def rescheduled() -> Row:
    before, stay = now("S2"), now("S3")
    event = BookingRescheduled(
        **stay.terms("B2"),
        previous_seat_id=before.seat,
        previous_start=before.start,
        previous_end=before.end,
        previous_occupied_until=before.occupied_until,
        previous_amount_minor=12000,
    )
    seats = (seat_packet("S2", available=True), seat_packet("S3", available=False))
    fields = f"{_BOOKING} {_TERMS} {_MOVED}"
    return Row(
        "booking.rescheduled",
        event,
        of_booking("B2", stay, "booking:updated", "confirmed", fields=fields, state="booked", seats=seats),
        before=(BookingCreated(**before.terms("B2")),),
    )


def cancelled(title: str, booking: str, stay: Stay, *seats: Packet) -> Row:
    event = BookingCancelled(**stay.facts(booking), late=True, kept_minor=5000, reason_id="text-1")
    return Row(
        title,
        event,
        of_booking(
            *(booking, stay, "booking:cancelled", "cancelled"),
            fields=f"{_BOOKING} late keptMinor reasonId",
            state="free",
            seats=seats,
        ),
        before=(BookingCreated(**stay.terms(booking)),),
    )


def checked_in() -> Row:
    stay = now("S6")
    seats = (seat_packet("S6", available=False),)
    sights = of_booking(
        "B6", stay, "booking:checkin", "checked-in", fields=_BOOKING, state="occupied", seats=seats
    )
    before = (BookingCreated(**stay.terms("B6")),)
    return Row("booking.checked-in", BookingCheckedIn(**stay.facts("B6")), sights, before=before)


def checked_out() -> Row:
    stay = now("S7")
    seats = (seat_packet("S7", available=True),)
    sights = of_booking(
        "B7", stay, "booking:checkout", "completed", fields=_BOOKING, state="free", seats=seats
    )
    before = (BookingCreated(**stay.terms("B7")), BookingCheckedIn(**stay.facts("B7")))
    return Row("booking.checked-out", BookingCheckedOut(**stay.facts("B7")), sights, before=before)


def completed() -> Row:
    stay = just_over("S8")
    seats = (seat_packet("S8", available=True),)
    sights = of_booking(
        "B8", stay, "booking:updated", "completed", fields=_BOOKING, state="free", seats=seats
    )
    before = (BookingCreated(**stay.terms("B8")), BookingCheckedIn(**stay.facts("B8")))
    return Row("booking.completed", BookingCompleted(**stay.facts("B8")), sights, before=before)


def no_show() -> Row:
    stay = now("S9")
    event = BookingNoShow(**stay.facts("B9"), missed_at=stay.start)
    seats = (seat_packet("S9", available=True),)
    sights = of_booking(
        "B9", stay, "booking:updated", "no-show", fields=f"{_BOOKING} missedAt", state="free", seats=seats
    )
    return Row("booking.no-show", event, sights, before=(BookingCreated(**stay.terms("B9")),))


def revoked() -> Row:
    stay = now("S10")
    event = BookingRevoked(**stay.facts("B10"), reason="closure", closure_id="C1", reason_id="text-2")
    seats = (seat_packet("S10", available=True),)
    fields = f"{_BOOKING} reason closureId reasonId"
    sights = of_booking("B10", stay, "booking:updated", "revoked", fields=fields, state="free", seats=seats)
    return Row("booking.revoked", event, sights, before=(BookingCreated(**stay.terms("B10")),))


def payments() -> list[Row]:
    stay = now("S11")
    paid = PaymentRecorded(
        **stay.facts("B11"),
        status="confirmed",
        payment_id="P1",
        payment_minor=6000,
        paid_minor=6000,
        method="upi",
        reference_id="text-3",
    )
    refunded = PaymentRefunded(
        **stay.facts("B11"), status="cancelled", refund_minor=1000, paid_minor=5000, reason="cancelled"
    )
    paid_fields = f"{_PAYMENT} paymentId paymentMinor paidMinor method referenceId"
    refunded_fields = f"{_PAYMENT} refundMinor paidMinor reason"
    name = "booking:updated"
    return [
        Row(
            "payment.recorded",
            paid,
            of_booking("B11", stay, name, "confirmed", fields=paid_fields, state=None, seats=()),
        ),
        Row(
            "payment.refunded",
            refunded,
            of_booking("B11", stay, name, "cancelled", fields=refunded_fields, state=None, seats=()),
        ),
    ]


def of_hold(title: str, kind: type, stay: Stay, state: str, *seats: Packet, held_before: bool) -> Row:
    """Only the library's staff see whose it is."""
    hold = stay.hold(stay.seat)
    public = {"seatId": stay.seat, "occupation": f"occupation-of-{stay.seat}", "state": state}
    staff = public | {"userId": "s1", "studentName": "Asha"}
    fields = f"holdId until entryId studentName {_OCCUPATION}"
    sights = {
        LIBRARY: Sight("seat:availability", View.PUBLIC, f"{_SEAT} until", public, seats),
        STAFF: Sight("seat:availability", View.STAFF, fields, staff, seats),
    }
    return Row(title, kind(**hold), sights, before=(HoldPlaced(**hold),) if held_before else ())


def of_service(title: str, seat: str, *, in_service: bool) -> Row:
    state = "free" if in_service else "out-of-service"
    facts = {"seatId": seat, "occupation": None, "state": state}
    packets = (seat_packet(seat, available=in_service),)
    return Row(
        title,
        given.service_changed(seat=seat, in_service=in_service),
        {
            LIBRARY: Sight("seat:availability", View.PUBLIC, _SEAT, facts, packets),
            STAFF: Sight(
                *("seat:availability", View.STAFF, f"{_SEAT} libraryId inService revokeAt"),
                facts | {"inService": in_service},
                packets,
            ),
        },
    )


def of_library(title: str, event: Event, name: str, data: dict[str, Any], *others: str) -> Row:
    """The library's two rooms are told the same as `others`: nothing of it is anybody's secret."""
    payload = {"id": data["libraryId"], **data, "timestamp": AN_INSTANT}
    sight = Sight(name, View.PUBLIC, " ".join(data), data, (Packet(name, payload),))
    library = data["libraryId"]
    return Row(
        title, event, dict.fromkeys((*others, f"library:{library}", f"library:{library}:staff"), sight)
    )


def libraries() -> list[Row]:
    both = (STUDENTS, OWNERS)
    details = {"city": "Pune", "timeZone": "Asia/Kolkata"}
    about_created = {"name": "Quiet Place", "address": "1 Road", "amenities": ["wifi"], "currency": "INR"}
    about_updated: dict[str, Any] = {"name": "Quieter Place", "address": None, "amenities": []}
    closure = {
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T11:00:00Z",
        "revokeAt": "2026-12-01T09:00:00Z",
    }
    hours = [{"day": "monday", "opens": "09:00:00", "closes": "18:00:00"}]
    announced = ClosureAnnounced(
        library_id="L1", closure_id="C1", start=given.START, end=given.END, revoke_at=given.START
    )
    updated, closed = "library:updated", {"libraryId": "L1", "closureId": "C1"}
    return [
        of_library(
            "library.created",
            given.library_created("L3", "o3"),
            "library:created",
            {"libraryId": "L3", **details, **about_created},
            *both,
        ),
        of_library(
            "library.updated",
            given.library_updated("L3"),
            updated,
            {"libraryId": "L3", **details, **about_updated},
            *both,
        ),
        of_library(
            "library.deleted", LibraryDeleted(library_id="L3"), "library:deleted", {"libraryId": "L3"}, *both
        ),
        of_library(
            "library.hours-set", given.hours_set(), updated, {"libraryId": "L1", "hours": hours}, *both
        ),
        of_library("closure.announced", announced, updated, closed | closure, *both),
        of_library(
            "closure.withdrawn", ClosureWithdrawn(library_id="L1", closure_id="C1"), updated, closed, *both
        ),
        of_library("seat.added", given.seat_added(), updated, _seat_data("17", "quiet", window=True)),
        of_library("seat.updated", given.seat_updated(), updated, _seat_data("17b", "general")),
        of_library(
            "seat.removed",
            SeatRemoved(library_id="L1", seat_id="S17", revoke_at=given.END),
            updated,
            {"libraryId": "L1", "seatId": "S17", "revokeAt": "2026-12-01T11:00:00Z"},
        ),
    ]


def _seat_data(label: str, zone: str, **attributes: bool) -> dict[str, Any]:
    return {"libraryId": "L1", "seatId": "S17", "label": label, "zone": zone, "attributes": attributes}


def pricing() -> Row:
    plan = {"id": "hourly", "unit": "hour", "amountMinor": 5000, "shift": None, "zone": None}
    rates = {"hourlyRate": 50, "dailyRate": None, "weeklyRate": None, "monthlyRate": None}
    prices = rates | {"currency": "INR", "plans": [plan | {"amount": 50}]}
    packet = Packet("pricing:updated", {"libraryId": "L1", "pricing": prices, "timestamp": AN_INSTANT})
    data = {"libraryId": "L1", "priceVersion": 1, "currency": "INR", "plans": [plan]}
    sight = Sight("pricing:updated", View.PUBLIC, " ".join(data), data, (packet,))
    return Row("pricing.updated", given.pricing_updated(), dict.fromkeys((STUDENTS, LIBRARY, STAFF), sight))


def notices() -> list[Row]:
    sent: dict[str, Any] = {
        "notificationId": "N1",
        "userId": "s1",
        "libraryId": "L1",
        "kind": "booking-revoked",
        "parameters": {"bookingId": "B7", "seatLabel": "17"},
        "textId": None,
    }
    personal = sent | {"notificationId": "N2", "kind": "personal", "parameters": {}, "textId": "text-4"}
    offer = {
        "notificationId": "H1",
        "userId": "s1",
        "libraryId": "L1",
        "kind": "waitlist-offered",
        "parameters": {
            "entryId": "W1",
            "holdId": "H1",
            "seatId": "S17",
            "start": "2026-12-01T09:00:00Z",
            "end": "2026-12-01T11:00:00Z",
            "until": "2026-12-01T08:10:00Z",
        },
    }
    announced = {"announcementId": "A1", "title": "New rooms", "text": "Two libraries have opened."}
    to_all = {"id": "A1", **announced, "message": announced["text"], "timestamp": AN_INSTANT}
    sight = Sight(
        *("global:notification", View.PUBLIC, " ".join(announced)),
        announced,
        (Packet("global:notification", to_all),),
    )
    return [
        Row("notification.sent", given.notified(), {STUDENT: _notice(sent)}),
        Row("notification.sent, with a text", given.personal_notice(), {STUDENT: _notice(personal)}),
        Row("waitlist.offered", given.offered(), {STUDENT: _notice(offer)}),
        Row("announcement.made", given.announced(), {EVERYONE: sight}),
    ]


def _notice(data: dict[str, Any]) -> Sight:
    payload = {"id": data["notificationId"], **data, "timestamp": AN_INSTANT}
    return Sight("notification", View.FULL, " ".join(data), data, (Packet("notification", payload),))


def for_nobody() -> list[Row]:
    """What changes rights, or a place in line, and is shown in no room."""
    place = given.place()
    unseen: list[Event] = [
        StaffInvited(library_id="L1", invitation_id="I1", user_id="u1", until=given.END),
        StaffAdded(library_id="L1", user_id="u1", invitation_id="I1"),
        StaffRemoved(library_id="L1", user_id="u1"),
        AccountRegistered(user_id="u1", role="student"),
        given.role_changed("u1", "staff", "student"),
        AccountDisabled(user_id="u1"),
        AccountEnabled(user_id="u1"),
        AccountErased(user_id="u1"),
        WaitlistJoined(**place),
        WaitlistOfferLapsed(**place, status="lapsed", hold_id="H1", seat_id="S17"),
        WaitlistAccepted(**place, hold_id="H1", booking_id="B7"),
        WaitlistLeft(**place, reason="asked"),
        NotificationRead(notification_id="N1", user_id="s1"),
    ]
    return [Row(type(event).__name__, event, {}) for event in unseen]


def rules() -> Row:
    event = given.rules_set()
    return of_library(
        "library.rules-set", event, "library:updated", {"libraryId": "L1", "rules": LEEDS}, STUDENTS, OWNERS
    )


LEEDS: dict[str, Any] = {
    "holdMinutes": 5,
    "checkInOpensMinutes": -15,
    "checkInClosesMinutes": 30,
    "freeCancelMinutes": 60,
    "lateRefundPercent": 0,
    "bufferMinutes": 0,
    "shortestMinutes": 1,
    "longestMinutes": 420,
    "advanceDays": 7,
    "advanceStrict": False,
    "releaseTime": None,
    "dayBookings": None,
    "dayMinutes": None,
    "weekBookings": None,
    "weekMinutes": None,
    "liveBookings": 3,
    "strikes": 3,
    "strikeDays": 30,
    "blockDays": 7,
}


def rows() -> list[Row]:
    """Return the table, each row about a seat of its own."""
    freed = seat_packet("S4", available=True)
    return [
        created("B1", now("S1"), seat_packet("S1", available=False)),
        created("B20", far_away("S20")),
        rescheduled(),
        cancelled("booking.cancelled, of this hour", "B4", now("S4"), freed),
        cancelled("booking.cancelled, of a day to come", "B21", far_away("S21")),
        checked_in(),
        checked_out(),
        completed(),
        no_show(),
        revoked(),
        *payments(),
        of_hold(
            "hold.placed",
            HoldPlaced,
            now("S12"),
            "held",
            seat_packet("S12", available=False),
            held_before=False,
        ),
        of_hold(
            "hold.released",
            HoldReleased,
            now("S13"),
            "free",
            seat_packet("S13", available=True),
            held_before=True,
        ),
        of_hold(
            "hold.lapsed",
            HoldLapsed,
            now("S14"),
            "free",
            seat_packet("S14", available=True),
            held_before=True,
        ),
        of_hold("hold.placed, for a day to come", HoldPlaced, far_away("S22"), "held", held_before=False),
        *libraries(),
        rules(),
        pricing(),
        of_service("seat.availability-changed, out of service", "S15", in_service=False),
        of_service("seat.availability-changed, in service", "S16", in_service=True),
        *notices(),
        *for_nobody(),
    ]
