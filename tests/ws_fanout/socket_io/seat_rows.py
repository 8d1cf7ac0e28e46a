"""Rows about seats that are held, or in service."""

from studyspot.domain.events import (
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
)
from tests.ws_fanout import events as given
from tests.ws_fanout.socket_io.rows import AN_INSTANT, Row, Sight, View
from tests.ws_fanout.socket_io.stays import Stay, far_away, now
from tests.ws_fanout.socket_io.told import Packet
from tests.ws_fanout.socket_io.viewers import LIBRARY, STAFF

OCCUPATION = "libraryId seatId userId start end occupiedUntil status occupation state"
"""Fields of whatever keeps a seat."""
SEAT = "seatId occupation state start end"
"""Those that the public is told of it."""


def seat_packet(seat: str, *, available: bool) -> Packet:
    return Packet(
        "seat:availability",
        {"libraryId": "L1", "seatId": seat, "available": available, "timestamp": AN_INSTANT},
    )


def of_hold(title: str, kind: type, stay: Stay, state: str, *seats: Packet, held_before: bool) -> Row:
    """Only the library's staff see whose it is."""
    hold = stay.hold(stay.seat)
    public = {"seatId": stay.seat, "occupation": f"occupation-of-{stay.seat}", "state": state}
    staff = public | {"userId": "s1", "studentName": "Asha"}
    fields = f"holdId until entryId studentName {OCCUPATION}"
    sights = {
        LIBRARY: Sight("seat:availability", View.PUBLIC, f"{SEAT} until", public, seats),
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
            LIBRARY: Sight("seat:availability", View.PUBLIC, SEAT, facts, packets),
            STAFF: Sight(
                *("seat:availability", View.STAFF, f"{SEAT} libraryId inService revokeAt"),
                facts | {"inService": in_service},
                packets,
            ),
        },
    )


def seat_rows() -> list[Row]:
    """Return them; each is about a seat of its own."""
    held, freed, lapsed = (seat_packet(seat, available=seat != "S12") for seat in ("S12", "S13", "S14"))
    return [
        of_hold("hold.placed", HoldPlaced, now("S12"), "held", held, held_before=False),
        of_hold("hold.released", HoldReleased, now("S13"), "free", freed, held_before=True),
        of_hold("hold.lapsed", HoldLapsed, now("S14"), "free", lapsed, held_before=True),
        of_hold("hold.placed, for a day to come", HoldPlaced, far_away("S22"), "held", held_before=False),
        of_service("seat.availability-changed, out of service", "S15", in_service=False),
        of_service("seat.availability-changed, in service", "S16", in_service=True),
    ]
