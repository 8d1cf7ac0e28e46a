"""A clean day as evidence: log, stream, answers, three sockets with a drop in between, and reads."""

import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from studyspot.checker.judge import Evidence
from studyspot.checker.log import Log
from studyspot.checker.passages import Socket
from studyspot.checker.records import Answer, BookingsRead, Record, SeatMapRead, StreamMessage
from studyspot.checker.rooms import rooms_of
from studyspot.checker.views import told
from studyspot.checker.witness import Witness

EPOCH = "k3"
NINE, TEN, ELEVEN = (f"2026-12-01T{hour:02}:00:00Z" for hour in (9, 10, 11))


def booking(booking_id: str, seat: str, user: str, start: str, end: str, status: str) -> dict[str, Any]:
    library = "L2" if seat == "S9" else "L1"
    return {
        "bookingId": booking_id,
        "occupation": f"o{booking_id[1:]}",
        "libraryId": library,
        "seatId": seat,
        "userId": user,
        "start": start,
        "end": end,
        "occupiedUntil": end,
        "status": status,
        "amountMinor": 10000,
        "currency": "INR",
    }


def created(booking_id: str, seat: str, user: str, start: str, end: str) -> dict[str, Any]:
    return {
        **booking(booking_id, seat, user, start, end, "confirmed"),
        "planId": None,
        "priceVersion": 1,
        "checkInFrom": "2026-12-01T08:00:00Z",
        "checkInUntil": end,
        "freeCancelUntil": "2026-12-01T08:30:00Z",
        "lateRefundPercent": 0,
        "planShare": False,
        "holdId": None,
    }


CANCELLED = {"status": "cancelled", "late": False, "keptMinor": 0, "reasonId": None}


def seat(library: str, seat_id: str) -> dict[str, Any]:
    return {"libraryId": library, "seatId": seat_id, "label": seat_id, "zone": "general", "attributes": {}}


def library(library_id: str, owner: str) -> dict[str, Any]:
    return {
        "libraryId": library_id,
        "ownerId": owner,
        "name": f"Library {library_id}",
        "city": "Pune",
        "timeZone": "Asia/Kolkata",
        "currency": "INR",
        "address": None,
        "amenities": [],
    }


PRICES = {"libraryId": "L1", "priceVersion": 1, "currency": "INR", "plans": []}
HAPPENED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("library.created", "w1", library("L1", "w1")),
    ("seat.added", "w1", seat("L1", "S1")),
    ("seat.added", "w1", seat("L1", "S2")),
    ("seat.added", "w1", seat("L1", "S3")),
    ("library.created", "w2", library("L2", "w2")),
    ("seat.added", "w2", seat("L2", "S9")),
    ("pricing.updated", "w1", PRICES),
    ("booking.created", "s1", created("B1", "S1", "s1", NINE, TEN)),
    ("booking.created", "s2", created("B2", "S2", "s2", NINE, TEN)),
    ("booking.cancelled", "s1", {**booking("B1", "S1", "s1", NINE, TEN, "cancelled"), **CANCELLED}),
    ("booking.created", "s2", created("B3", "S1", "s2", TEN, ELEVEN)),
    ("booking.checked-in", "s2", booking("B2", "S2", "s2", NINE, TEN, "checked-in")),
    ("booking.checked-out", "s2", booking("B2", "S2", "s2", NINE, TEN, "completed")),
    ("seat.availability-changed", "w1", {"libraryId": "L1", "seatId": "S3", "inService": False}),
    ("booking.created", "s1", created("B4", "S9", "s1", TEN, ELEVEN)),
)
HEAD = len(HAPPENED)


def records() -> list[Record]:
    return [
        Record(position, EPOCH, event_type, stored(position, actor, facts))
        for position, (event_type, actor, facts) in enumerate(HAPPENED, start=1)
    ]


def stored(position: int, actor: str | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "v": 1,
        "time": f"2026-12-01T08:00:{position:02}Z",
        "actor": actor,
        "commandid": f"c{position}",
        "traceparent": None,
        "data": dict(facts),
    }


def message(record: Record) -> StreamMessage:
    place = f"{record.facts.get('libraryId', '_')}.{record.facts.get('userId', '_')}"
    subject = f"studyspot.{record.type}.{place}"
    body = {
        "specversion": "1.0",
        "id": record.id,
        "type": record.wire_type,
        "subject": subject,
        "time": record.stored["time"],
        "sequence": str(record.position),
        "actor": record.actor,
        "commandid": record.stored["commandid"],
        "data": record.facts,
    }
    return StreamMessage(record.position, subject, orjson.dumps(body))


def frame(record: Record, rooms: Iterable[str]) -> dict[str, Any]:
    """The event as a socket in these rooms sees it."""
    named = sorted(set(rooms) & rooms_of(record).keys())
    view = max(rooms_of(record)[room] for room in named)
    content = told(record, view)
    envelope: dict[str, Any] = {
        "id": record.id,
        "type": record.wire_type,
        "time": record.stored["time"],
        "sequence": str(record.position),
    }
    if view.name in ("FULL", "STAFF"):
        envelope |= {"actor": record.actor, "commandid": record.stored["commandid"]}
    return {
        "type": "event",
        "name": content.name,
        "position": record.position,
        "rooms": named,
        "event": {**envelope, "data": dict(content.data)},
    }


def recorded_socket(user: str, role: str, asked: Iterable[str], *, also: Iterable[str] = ()) -> Socket:
    """A socket live from position 1, dropped after 8, resumed from 7, and quiet at the end."""
    witness = Witness(user, user, role)
    rooms = ["everyone", f"user:{user}", f"role:{role}", *asked, *also]
    log = Log(records())
    _connection(witness, asked, rooms, log, range(2, 9), None, head=1)
    witness.closed(1006)
    _connection(witness, asked, rooms, log, range(8, HEAD + 1), 7, head=10)
    witness.received({"type": "heartbeat", "position": HEAD, "serverNow": TEN})
    return witness.socket


def _connection(
    witness: Witness,
    asked: Iterable[str],
    rooms: list[str],
    log: Log,
    positions: range,
    since: int | None,
    *,
    head: int,
) -> None:
    connect: dict[str, Any] = {"type": "connect", "id": 1, "token": "secret", "rooms": list(asked)}
    if since is not None:
        connect["since"] = {"epoch": EPOCH, "position": since}
    witness.opened()
    witness.sent(connect)
    witness.received(
        {
            "type": "connected",
            "id": 1,
            "epoch": EPOCH,
            "head": head,
            "user": witness.socket.user,
            "role": witness.socket.role,
            "rooms": [{"room": room, "joined": True} for room in asked],
            "resume": "live" if since is None else "replaying",
        }
    )
    for position in positions:
        record = log.at(position)
        assert record is not None
        if rooms_of(record).keys() & set(rooms):
            received = frame(record, rooms)
            witness.received(received)
            _deliver(witness, received)
        if since is not None and position == head:
            witness.received({"type": "caught-up", "position": position, "rooms": rooms})


def _deliver(witness: Witness, received: dict[str, Any]) -> None:
    known = {delivery.position for delivery in witness.socket.delivered or ()}
    if received["position"] not in known:
        witness.delivered(received["position"], received["rooms"], frozenset(received["event"]["data"]))


def answers() -> list[Answer]:
    """What each command was answered with; one was retried after its answer was lost."""
    taken = {"type": "/problems/seat-taken", "status": 409}
    keys = map("key-{}".format, itertools.count())

    def posted(position: int, path: str, body: dict[str, Any], request: Any = None) -> Answer:
        actor = HAPPENED[position - 1][1]
        return Answer(actor, "POST", path, next(keys), request, 201, {**body, "position": position}, position)

    def booked(position: int) -> Answer:
        facts = HAPPENED[position - 1][2]
        return posted(position, "/api/bookings", {"id": facts["bookingId"], **facts})

    lost = Answer("s1", "POST", "/api/bookings", "retried", None, None)
    retried = Answer("s1", "POST", "/api/bookings", "retried", None, 201, booked(15).body, 15)
    rival = {"libraryId": "L1", "seatId": "S1", "start": NINE, "end": TEN}
    prices = {**PRICES, "position": 7}
    service = {"id": "S3", "inService": False, "position": 14}
    return [
        posted(1, "/api/libraries", {"id": "L1"}),
        *(posted(at, "/api/libraries/L1/seats", {"seats": [{"id": f"S{at - 1}"}]}) for at in (2, 3, 4)),
        posted(5, "/api/libraries", {"id": "L2"}),
        posted(6, "/api/libraries/L2/seats", {"seats": [{"id": "S9"}]}),
        Answer("w1", "PUT", "/api/libraries/L1/pricing", None, None, 200, prices, 7),
        booked(8),
        Answer("s2", "POST", "/api/bookings", "rival", rival, 409, taken),
        booked(9),
        posted(10, "/api/bookings/B1/cancel", {"id": "B1", "status": "cancelled", "late": False}),
        booked(11),
        posted(12, "/api/bookings/B2/check-in", {"id": "B2", "status": "checked-in"}),
        posted(13, "/api/bookings/B2/check-out", {"id": "B2", "status": "completed"}),
        Answer("w1", "PATCH", "/api/libraries/L1/seats/S3", None, None, 200, service, 14),
        lost,
        retried,
    ]


def seat_map(position: int = HEAD) -> SeatMapRead:
    """The map of L1 for nine to eleven, at the end of the day."""
    third = {"id": "o3", "state": "booked", "start": TEN, "end": ELEVEN}
    seats = [
        {"id": "S1", "label": "S1", "zone": "general", "status": "booked", "occupations": [third]},
        {"id": "S2", "label": "S2", "zone": "general", "status": "free", "occupations": []},
        {"id": "S3", "label": "S3", "zone": "general", "status": "out-of-service", "occupations": []},
    ]
    start, end = datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 11, tzinfo=UTC)
    body = {"position": position, "epoch": EPOCH, "serverNow": NINE, "seats": seats}
    return SeatMapRead("L1", start, end, body)


def bookings_of_s2() -> BookingsRead:
    rows = (
        {"id": "B2", **booking("B2", "S2", "s2", NINE, TEN, "completed")},
        {"id": "B3", **booking("B3", "S1", "s2", TEN, ELEVEN, "confirmed")},
    )
    return BookingsRead(HEAD, rows, user_id="s2")


def evidence() -> Evidence:
    """The whole day, as if everything had been taken down; each call makes it anew."""
    log = records()
    return Evidence(
        records=log,
        messages=[message(record) for record in log],
        answers=answers(),
        sockets=[
            recorded_socket("s1", "student", ["library:L1"]),
            recorded_socket("w1", "library_owner", [], also=["library:L1:staff"]),
            recorded_socket("s2", "student", []),
        ],
        reads=[seat_map(), bookings_of_s2()],
    )
