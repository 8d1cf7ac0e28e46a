"""Rows about bookings and what is paid for them."""

from typing import Any

from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingCreated,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    PaymentRecorded,
    PaymentRefunded,
)
from tests.ws_fanout.socket_io.rows import Row, Sight, View
from tests.ws_fanout.socket_io.seat_rows import OCCUPATION, SEAT, seat_packet
from tests.ws_fanout.socket_io.stays import Stay, far_away, just_over, now
from tests.ws_fanout.socket_io.told import Packet
from tests.ws_fanout.socket_io.viewers import LIBRARY, OWNERS, STAFF, STUDENT

_BOOKING = f"bookingId amountMinor currency {OCCUPATION}"
_PAYMENT = _BOOKING.removesuffix(" state")
_TERMS = "planId priceVersion checkInFrom checkInUntil freeCancelUntil lateRefundPercent planShare"
_MOVED = "previousSeatId previousStart previousEnd previousOccupiedUntil previousAmountMinor"


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
        sights[LIBRARY] = Sight("seat:availability", View.PUBLIC, SEAT, public, seats)
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


def booking_rows() -> list[Row]:
    """Return them; each is about a seat of its own, and says first what has to be before it."""
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
    ]
