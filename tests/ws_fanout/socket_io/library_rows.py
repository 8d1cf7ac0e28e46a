"""Rows about libraries: what they tell of themselves, their seats, hours, rules and prices."""

from typing import Any

from studyspot.domain.events import (
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    LibraryDeleted,
    SeatRemoved,
)
from tests.ws_fanout import events as given
from tests.ws_fanout.socket_io.rows import AN_INSTANT, Row, Sight, View
from tests.ws_fanout.socket_io.told import Packet
from tests.ws_fanout.socket_io.viewers import LIBRARY, OWNERS, STAFF, STUDENTS

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
"""The rules of one of the presets."""


def of_library(title: str, event: Event, name: str, data: dict[str, Any], *others: str) -> Row:
    """The library's two rooms are told the same as `others`: nothing of it is anybody's secret."""
    payload = {"id": data["libraryId"], **data, "timestamp": AN_INSTANT}
    sight = Sight(name, View.PUBLIC, " ".join(data), data, (Packet(name, payload),))
    library = data["libraryId"]
    return Row(
        title, event, dict.fromkeys((*others, f"library:{library}", f"library:{library}:staff"), sight)
    )


def _about_libraries() -> list[Row]:
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


def _pricing() -> Row:
    plan = {"id": "hourly", "unit": "hour", "amountMinor": 5000, "shift": None, "zone": None}
    rates = {"hourlyRate": 50, "dailyRate": None, "weeklyRate": None, "monthlyRate": None}
    prices = rates | {"currency": "INR", "plans": [plan | {"amount": 50}]}
    packet = Packet("pricing:updated", {"libraryId": "L1", "pricing": prices, "timestamp": AN_INSTANT})
    data = {"libraryId": "L1", "priceVersion": 1, "currency": "INR", "plans": [plan]}
    sight = Sight("pricing:updated", View.PUBLIC, " ".join(data), data, (packet,))
    return Row("pricing.updated", given.pricing_updated(), dict.fromkeys((STUDENTS, LIBRARY, STAFF), sight))


def _rules() -> Row:
    event = given.rules_set()
    return of_library(
        "library.rules-set", event, "library:updated", {"libraryId": "L1", "rules": LEEDS}, STUDENTS, OWNERS
    )


def library_rows() -> list[Row]:
    return [*_about_libraries(), _rules(), _pricing()]
