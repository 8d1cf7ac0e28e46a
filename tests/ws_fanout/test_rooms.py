"""Who sees which event, how: CONTRACT's table, event by event."""

from typing import Any

import orjson
import pytest

from studyspot.access.tokens import Identity
from studyspot.broker.subjects import covers
from studyspot.catalogue.types import EVENT_CLASSES
from studyspot.domain.events import ClosureAnnounced, ClosureWithdrawn, Event, LibraryDeleted
from studyspot.domain.people import Role
from studyspot.ws_fanout.admission import own_rooms, refused
from studyspot.ws_fanout.rooms import route, subjects_of
from studyspot.ws_fanout.views import show
from tests.ws_fanout import events as given
from tests.ws_fanout.events import message, one_of_each

BOOKING = {
    "bookingId": "B7",
    "libraryId": "L1",
    "seatId": "S17",
    "userId": "s1",
    "start": "2026-12-01T09:00:00Z",
    "end": "2026-12-01T11:00:00Z",
    "amountMinor": 10000,
    "currency": "INR",
    "occupation": "occupation-of-B7",
}
CREATED = BOOKING | {
    "status": "confirmed",
    "state": "booked",
    "planId": "hourly",
    "priceVersion": 1,
    "checkInFrom": "2026-12-01T08:45:00Z",
    "checkInUntil": "2026-12-01T09:30:00Z",
    "freeCancelUntil": "2026-12-01T08:00:00Z",
}
CANCELLED = BOOKING | {"status": "cancelled", "state": "free", "late": False, "reasonId": "text-1"}
CHECKED_IN = BOOKING | {"status": "checked-in", "state": "occupied"}
CHECKED_OUT = BOOKING | {"status": "completed", "state": "free"}
NAMED = {"studentName": "Asha"}


def seat(state: str) -> dict[str, Any]:
    return {
        "seatId": "S17",
        "occupation": "occupation-of-B7",
        "state": state,
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T11:00:00Z",
    }


SERVICE = {"seatId": "S17", "occupation": None, "state": "out-of-service", "start": None, "end": None}
DETAILS = {
    "libraryId": "L1",
    "name": "Quiet Place",
    "city": "Pune",
    "address": "1 Road",
    "timeZone": "Asia/Kolkata",
    "amenities": ["wifi"],
}
UPDATED: dict[str, Any] = DETAILS | {"name": "Quieter Place", "address": None, "amenities": []}
PRICES = {
    "libraryId": "L1",
    "priceVersion": 1,
    "currency": "INR",
    "plans": [{"id": "hourly", "unit": "hour", "amountMinor": 5000, "shift": None, "zone": None}],
}
SEAT = {"libraryId": "L1", "seatId": "S17", "label": "17", "zone": "quiet", "attributes": {"window": True}}
CLOSURE = {
    "libraryId": "L1",
    "closureId": "C1",
    "start": "2026-12-01T09:00:00Z",
    "end": "2026-12-01T11:00:00Z",
}

PUBLIC = ["id", "type", "time", "sequence", "data"]
PARTY = ["id", "type", "time", "sequence", "actor", "commandid", "traceparent", "data"]


def everywhere(
    name: str, data: dict[str, Any], *roles: str
) -> dict[str, tuple[str, list[str], dict[str, Any]]]:
    rooms = (*(f"role:{role}" for role in roles), "library:L1", "library:L1:staff")
    return dict.fromkeys(rooms, (name, PUBLIC, data))


ROLES = ("student", "library_owner")
TABLE: list[tuple[Event, dict[str, tuple[str, list[str], dict[str, Any]]]]] = [
    (
        given.booked(),
        {
            "user:s1": ("booking:created", PARTY, CREATED),
            "library:L1:staff": ("booking:created", PARTY, CREATED | NAMED),
            "role:library_owner": (
                "booking:created",
                PUBLIC,
                {"libraryId": "L1", "start": BOOKING["start"], "end": BOOKING["end"]},
            ),
            "library:L1": ("seat:availability", PUBLIC, seat("booked")),
        },
    ),
    (
        given.cancelled(),
        {
            "user:s1": ("booking:cancelled", PARTY, CANCELLED),
            "library:L1:staff": ("booking:cancelled", PARTY, CANCELLED | NAMED),
            "library:L1": ("seat:availability", PUBLIC, seat("free")),
        },
    ),
    (
        given.checked_in(),
        {
            "user:s1": ("booking:checkin", PARTY, CHECKED_IN),
            "library:L1:staff": ("booking:checkin", PARTY, CHECKED_IN | NAMED),
            "library:L1": ("seat:availability", PUBLIC, seat("occupied")),
        },
    ),
    (
        given.checked_out(),
        {
            "user:s1": ("booking:checkout", PARTY, CHECKED_OUT),
            "library:L1:staff": ("booking:checkout", PARTY, CHECKED_OUT | NAMED),
            "library:L1": ("seat:availability", PUBLIC, seat("free")),
        },
    ),
    (
        given.service_changed(),
        {
            "library:L1": ("seat:availability", PUBLIC, SERVICE),
            "library:L1:staff": (
                "seat:availability",
                PARTY,
                SERVICE | {"libraryId": "L1", "inService": False},
            ),
        },
    ),
    (
        given.service_changed(in_service=True),
        {
            "library:L1": ("seat:availability", PUBLIC, SERVICE | {"state": "free"}),
            "library:L1:staff": (
                "seat:availability",
                PARTY,
                SERVICE | {"state": "free", "libraryId": "L1", "inService": True},
            ),
        },
    ),
    (given.library_created(), everywhere("library:created", DETAILS | {"currency": "INR"}, *ROLES)),
    (given.library_updated(), everywhere("library:updated", UPDATED, *ROLES)),
    (LibraryDeleted(library_id="L1"), everywhere("library:deleted", {"libraryId": "L1"}, *ROLES)),
    (
        ClosureAnnounced(library_id="L1", closure_id="C1", start=given.START, end=given.END),
        everywhere("library:updated", CLOSURE, *ROLES),
    ),
    (
        ClosureWithdrawn(library_id="L1", closure_id="C1"),
        everywhere("library:updated", {"libraryId": "L1", "closureId": "C1"}, *ROLES),
    ),
    (given.pricing_updated(), everywhere("pricing:updated", PRICES, "student")),
    (given.seat_added(), everywhere("library:updated", SEAT)),
]


@pytest.mark.parametrize(("event", "expected"), TABLE, ids=lambda part: type(part).__name__)
def test_each_room_sees_what_the_table_says_and_nothing_else(
    event: Event, expected: dict[str, tuple[str, list[str], dict[str, Any]]]
) -> None:
    envelope = orjson.loads(message(124, event).body)

    routed = route(event)

    seen = {
        room: (sight.name, show(sight.view, envelope, routed.state, lambda user: {"s1": "Asha"}[user]))
        for room, sight in routed.sights.items()
    }
    assert seen.keys() == expected.keys()
    for room, (name, keys, data) in expected.items():
        shown_name, shown = seen[room]
        assert (shown_name, list(shown), shown["data"]) == (name, keys, data), room


def test_the_table_of_these_tests_has_every_event() -> None:
    assert {type(event) for event, _ in TABLE} == set(EVENT_CLASSES)
    assert {type(event) for event in one_of_each()} == set(EVENT_CLASSES)


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: type(event).__name__)
def test_the_subjects_of_each_room_match_what_the_room_sees(event: Event) -> None:
    subject = message(1, event).subject
    for room in route(event).sights:
        assert any(covers(wanted, subject) for wanted in subjects_of(room)), room


STAFF_OF_L1 = ("library:L1:staff",)


@pytest.mark.parametrize(
    ("role", "room", "code"),
    [
        ("student", "everyone", None),
        ("student", "user:me", None),
        ("student", "user:other", "room-forbidden"),
        ("student", "role:student", None),
        ("student", "role:library_owner", "room-forbidden"),
        ("student", "role:admin", "room-forbidden"),
        ("student", "library:L9", None),
        ("student", "library:L9:staff", "room-forbidden"),
        ("library_owner", "library:L1:staff", None),
        ("library_owner", "library:L9:staff", "room-forbidden"),
        ("staff", "library:L1:staff", None),
        ("staff", "user:other", "room-forbidden"),
        ("admin", "user:other", None),
        ("admin", "library:L9:staff", None),
        ("admin", "role:student", None),
        ("admin", "role:nobody", "room-unknown"),
        ("student", "library:", "room-unknown"),
        ("student", "library:a b", "room-unknown"),
        ("student", "library:L1:staff:x", "room-unknown"),
        ("student", "kitchen", "room-unknown"),
        ("student", "everyone\n", "room-unknown"),
    ],
)
def test_rooms_are_entered_by_right_and_refused_with_a_reason(
    role: Role, room: str, code: str | None
) -> None:
    identity = Identity("me", role, None, given.END)

    refusal = refused(room, identity, STAFF_OF_L1)

    assert (refusal.code if refusal else None) == code
    assert refusal is None or refusal.reason.endswith(".")


def test_everyone_has_rooms_of_their_own() -> None:
    identity = Identity("o1", "library_owner", None, given.END)

    assert own_rooms(identity, STAFF_OF_L1) == (
        "everyone",
        "user:o1",
        "role:library_owner",
        "library:L1:staff",
    )
