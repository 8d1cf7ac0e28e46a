"""A clean day of holds, rescheduling, payments and every ending: log, answers, sockets and reads."""

from datetime import datetime
from typing import Any

from studyspot.checker.judge import Evidence
from studyspot.checker.log import Log
from studyspot.checker.passages import Socket
from studyspot.checker.records import Answer, BookingsRead, Record, SeatMapRead
from studyspot.checker.rooms import rooms_of
from studyspot.checker.witness import Witness
from tests.chaos import recorded_day as day


def at(text: str) -> str:
    return f"2026-12-01T{text}:00Z"


def occupation(number: int, seat: str, user: str, start: str, end: str, until: str) -> dict[str, Any]:
    return {
        "occupation": f"o{number}",
        "libraryId": "L1",
        "seatId": seat,
        "userId": user,
        "start": at(start),
        "end": at(end),
        "occupiedUntil": at(until),
    }


def hold(number: int, of: dict[str, Any], until: str, status: str = "held") -> dict[str, Any]:
    return {**of, "holdId": f"H{number}", "until": at(until), "status": status}


def booking(number: int, of: dict[str, Any], status: str, amount: int = 10000, **more: Any) -> dict[str, Any]:
    money = {"amountMinor": amount, "currency": "INR"}
    return {**of, "bookingId": f"B{number}", **money, "status": status, **more}


def terms(check_in_from: str, check_in_until: str, free_until: str) -> dict[str, Any]:
    return {
        "checkInFrom": at(check_in_from),
        "checkInUntil": at(check_in_until),
        "freeCancelUntil": at(free_until),
        "lateRefundPercent": 50,
        "planShare": False,
    }


FIRST = occupation(1, "S1", "s1", "09:00", "10:00", "10:10")
MOVED = occupation(1, "S1", "s1", "11:00", "12:00", "12:10")
HELD = occupation(2, "S2", "s2", "09:00", "10:00", "10:10")
MISSED = occupation(3, "S2", "s3", "09:00", "10:00", "10:10")
LET_GO = occupation(4, "S2", "s2", "10:15", "11:00", "11:10")
REVOKED = occupation(5, "S2", "s3", "13:00", "14:00", "14:10")
LATE = occupation(6, "S1", "s2", "16:00", "17:00", "17:10")

PREVIOUS = {
    "previousSeatId": "S1",
    "previousStart": at("09:00"),
    "previousEnd": at("10:00"),
    "previousOccupiedUntil": at("10:10"),
    "previousAmountMinor": 10000,
}
UPDATED = {"libraryId": "L1", "seatId": "S2", "label": "By the window", "zone": "quiet", "attributes": {}}
OUT_OF_SERVICE = {"libraryId": "L1", "seatId": "S2", "inService": False, "revokeAt": at("12:16")}
CLOSURE = {"libraryId": "L1", "closureId": "C1", "start": at("15:00"), "end": at("16:00"), "revokeAt": None}
NOTICE = {
    "notificationId": "N1",
    "userId": "s3",
    "libraryId": "L1",
    "kind": "booking-no-show",
    "parameters": {"bookingId": "B2"},
    "cause": "13:booking-no-show",
}
RULES = {"bufferMinutes": 10, "lateRefundPercent": 50}
FIRST_TERMS = terms("08:45", "09:30", "08:30")
MOVED_TERMS = terms("10:45", "11:30", "10:30")

HAPPENED: tuple[tuple[str, str | None, str, dict[str, Any]], ...] = (
    ("08:00", "w1", "library.created", day.library("L1", "w1")),
    ("08:01", "w1", "seat.added", day.seat("L1", "S1")),
    ("08:02", "w1", "seat.added", day.seat("L1", "S2")),
    ("08:03", "w1", "library.rules-set", {"libraryId": "L1", "rules": RULES}),
    ("08:05", "s1", "hold.placed", hold(1, FIRST, "08:10")),
    ("08:06", "s1", "booking.created", booking(1, FIRST, "confirmed", **FIRST_TERMS, holdId="H1")),
    ("08:07", "w1", "payment.recorded", booking(1, FIRST, "confirmed", paymentMinor=10000, paidMinor=10000)),
    ("08:08", "s2", "hold.placed", hold(2, HELD, "08:13")),
    ("08:20", "s3", "hold.lapsed", hold(2, HELD, "08:13", "lapsed")),
    ("08:20", "s3", "booking.created", booking(2, MISSED, "confirmed", **FIRST_TERMS, holdId=None)),
    ("08:25", "s1", "booking.rescheduled", booking(1, MOVED, "confirmed", 8000, **MOVED_TERMS, **PREVIOUS)),
    (
        "08:25",
        "s1",
        "payment.refunded",
        booking(1, MOVED, "confirmed", 8000, refundMinor=2000, paidMinor=8000),
    ),
    ("09:35", None, "booking.no-show", booking(2, MISSED, "no-show", missedAt=at("09:30"))),
    ("09:36", None, "notification.sent", NOTICE),
    ("09:40", "s2", "hold.placed", hold(3, LET_GO, "09:45")),
    ("09:41", "s2", "hold.released", hold(3, LET_GO, "09:45", "released")),
    ("10:50", "s1", "booking.checked-in", booking(1, MOVED, "checked-in", 8000)),
    ("12:10", None, "booking.completed", booking(1, MOVED, "completed", 8000)),
    ("12:12", "w1", "seat.updated", UPDATED),
    (
        *("12:15", "s3", "booking.created"),
        booking(3, REVOKED, "confirmed", **terms("12:45", "13:30", "12:00"), holdId=None),
    ),
    ("12:16", "w1", "seat.availability-changed", OUT_OF_SERVICE),
    ("12:17", None, "booking.revoked", booking(3, REVOKED, "revoked", reason="seat-out-of-service")),
    ("12:18", "w1", "seat.removed", {"libraryId": "L1", "seatId": "S2", "revokeAt": at("12:18")}),
    ("12:19", "w1", "closure.announced", CLOSURE),
    (
        *("12:20", "s2", "booking.created"),
        booking(4, LATE, "confirmed", **terms("15:45", "16:30", "15:00"), holdId=None),
    ),
    ("15:30", "s2", "booking.cancelled", booking(4, LATE, "cancelled", late=True, keptMinor=5000)),
    ("15:31", "w1", "payment.recorded", booking(4, LATE, "cancelled", paymentMinor=5000, paidMinor=5000)),
)
"""Time, actor, type and facts; what one actor does in one minute is one append."""

HEAD = len(HAPPENED)


def records() -> list[Record]:
    return [
        record(position, time, actor, event_type, facts)
        for position, (time, actor, event_type, facts) in enumerate(HAPPENED, start=1)
    ]


def record(position: int, time: str, actor: str | None, event_type: str, facts: dict[str, Any]) -> Record:
    stored = {
        "v": 1,
        "time": at(time),
        "actor": actor,
        "commandid": f"{actor}-{time}",
        "traceparent": None,
        "data": facts,
    }
    return Record(position, day.EPOCH, event_type, stored)


def answered(position: int, method: str, path: str, request: Any, body: dict[str, Any]) -> Answer:
    actor = HAPPENED[position - 1][1]
    assert actor is not None
    told = {**body, "position": position}
    return Answer(actor, method, path, None, request, 200, told, position, position - 1)


def told_of(position: int, named: str) -> dict[str, Any]:
    """The body that tells the facts of the record at a position."""
    facts = HAPPENED[position - 1][3]
    return {"id": facts[named], **facts}


TAKEN = {
    "type": "/problems/seat-taken",
    "status": 409,
    "seatId": "S2",
    "start": at("09:00"),
    "end": at("10:10"),
}
WANTED = {"libraryId": "L1", "seatId": "S2", "start": at("09:00"), "end": at("10:00")}


def answers() -> list[Answer]:
    first = {"libraryId": "L1", "seatId": "S1", "start": at("09:00"), "end": at("10:00")}
    paid = {"id": "B1", "kind": "payment", "amountMinor": 10000, "paidMinor": 10000, "dueMinor": 0}
    paid_late = {"id": "B4", "kind": "payment", "amountMinor": 5000, "paidMinor": 5000, "dueMinor": 0}
    late = {"status": "cancelled", "late": True, "keptMinor": 5000, "refundMinor": 0}
    seat_now = {"id": "S2", "label": "By the window", "zone": "quiet", "attributes": {}}
    return [
        answered(1, "POST", "/api/libraries", None, {"id": "L1"}),
        answered(2, "POST", "/api/libraries/L1/seats", None, {"seats": [{"id": "S1"}]}),
        answered(3, "POST", "/api/libraries/L1/seats", None, {"seats": [{"id": "S2"}]}),
        answered(4, "PUT", "/api/libraries/L1/rules", RULES, RULES),
        answered(5, "POST", "/api/holds", first, told_of(5, "holdId")),
        # Holding again what one holds: what is so already.
        Answer("s1", "POST", "/api/holds", None, first, 200, {**told_of(5, "holdId"), "position": 5}, 5),
        answered(6, "POST", "/api/bookings", {**first, "holdId": "H1"}, told_of(6, "bookingId")),
        answered(7, "POST", "/api/bookings/B1/payments", {"kind": "payment", "amountMinor": 10000}, paid),
        answered(8, "POST", "/api/holds", WANTED, told_of(8, "holdId")),
        Answer("s3", "POST", "/api/bookings", None, WANTED, 409, TAKEN),
        answered(10, "POST", "/api/bookings", WANTED, told_of(10, "bookingId")),
        answered(12, "PATCH", "/api/bookings/B1", {"start": at("11:00")}, told_of(11, "bookingId")),
        answered(15, "POST", "/api/holds", None, told_of(15, "holdId")),
        answered(16, "DELETE", "/api/holds/H3", None, {"id": "H3", "status": "released"}),
        answered(17, "POST", "/api/bookings/B1/check-in", None, {"id": "B1", "status": "checked-in"}),
        answered(19, "PATCH", "/api/libraries/L1/seats/S2", None, {**seat_now, "inService": True}),
        answered(20, "POST", "/api/bookings", None, told_of(20, "bookingId")),
        answered(21, "PATCH", "/api/libraries/L1/seats/S2", None, {**seat_now, "inService": False}),
        answered(23, "DELETE", "/api/libraries/L1/seats/S2", None, {"id": "S2"}),
        answered(25, "POST", "/api/bookings", None, told_of(25, "bookingId")),
        answered(26, "POST", "/api/bookings/B4/cancel", None, {"id": "B4", **late}),
        answered(
            *(27, "POST", "/api/bookings/B4/payments"), {"kind": "payment", "amountMinor": 5000}, paid_late
        ),
    ]


def socket(user: str, role: str, asked: list[str], *also: str) -> Socket:
    """A socket that was live all day."""
    witness, log = Witness(user, user, role), Log(records())
    rooms = {f"user:{user}", f"role:{role}", *asked, *also}
    witness.opened()
    witness.sent({"type": "connect", "id": 1, "token": "secret", "rooms": asked})
    joined = [{"room": room, "joined": True} for room in asked]
    witness.received(
        {
            "type": "connected",
            "id": 1,
            "epoch": day.EPOCH,
            "head": 1,
            "resume": "live",
            "user": user,
            "role": role,
            "rooms": joined,
        }
    )
    for known in log.records[1:]:
        if rooms_of(known).keys() & rooms:
            witness.received(day.frame(known, rooms))
    witness.received({"type": "heartbeat", "position": HEAD, "serverNow": at("18:00")})
    made = witness.socket
    made.delivered = None
    return made


def seat_map(position: int, now: str, first: dict[str, Any], second: dict[str, Any]) -> SeatMapRead:
    """The map of L1 from nine to twelve, by what takes its two seats."""
    seats = [
        {
            "id": f"S{number}",
            "label": f"S{number}",
            "zone": "general",
            "status": taken.get("state", "free"),
            "occupations": [taken] if taken else [],
        }
        for number, taken in enumerate((first, second), start=1)
    ]
    body = {"position": position, "epoch": day.EPOCH, "serverNow": at(now), "seats": seats}
    start, end = (datetime.fromisoformat(at(hour)) for hour in ("09:00", "12:00"))
    return SeatMapRead("L1", start, end, body)


def taken(of: dict[str, Any], state: str, until: str | None = None) -> dict[str, Any]:
    row = {"id": of["occupation"], "state": state, "start": of["start"], "end": of["occupiedUntil"]}
    return row if until is None else {**row, "until": at(until)}


def reads() -> list[SeatMapRead | BookingsRead]:
    row = {"id": "B1", **booking(1, MOVED, "completed", 8000), "paidMinor": 8000}
    return [
        seat_map(5, "08:05", taken(FIRST, "held", "08:10"), {}),
        # The hold of the second seat is over by the clock, and the log does not say so yet.
        seat_map(8, "08:15", taken(FIRST, "booked"), {}),
        seat_map(12, "08:26", taken(MOVED, "booked"), taken(MISSED, "booked")),
        seat_map(17, "10:51", taken(MOVED, "occupied"), {}),
        BookingsRead(HEAD, (row,), user_id="s1"),
    ]


def evidence() -> Evidence:
    """The whole day; each call makes it anew."""
    log = records()
    return Evidence(
        records=log,
        messages=[day.message(known) for known in log],
        answers=answers(),
        sockets=[
            socket("s1", "student", ["library:L1"]),
            socket("s3", "student", []),
            socket("w1", "library_owner", [], "library:L1:staff"),
        ],
        reads=reads(),
    )
