"""Who sees which event, how: CONTRACT's table, event by event."""

from typing import Any

import orjson
import pytest

from studyspot.access.tokens import Identity
from studyspot.broker.subjects import covers
from studyspot.catalogue.types import EVENT_CLASSES
from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountRegistered,
    AccountRoleChanged,
    BookingCompleted,
    BookingNoShow,
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    LibraryDeleted,
    NotificationRead,
    SeatRemoved,
    StaffAdded,
    StaffInvited,
    StaffRemoved,
    WaitlistAccepted,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOfferLapsed,
)
from studyspot.domain.people import Role
from studyspot.ws_fanout.admission import own_rooms, refused
from studyspot.ws_fanout.room_names import subjects_of
from studyspot.ws_fanout.rooms import route
from studyspot.ws_fanout.views import show
from tests.catalogue.golden import METADATA, example
from tests.ws_fanout import events as given
from tests.ws_fanout.events import message, one_of_each

OCCUPATION = {
    "libraryId": "L1",
    "seatId": "S17",
    "userId": "s1",
    "start": "2026-12-01T09:00:00Z",
    "end": "2026-12-01T11:00:00Z",
    "occupiedUntil": "2026-12-01T11:10:00Z",
    "occupation": "occupation-of-B7",
}
HOLD = OCCUPATION | {"holdId": "hold-of-B7", "until": "2026-12-01T08:55:00Z"}
BOOKING = OCCUPATION | {"bookingId": "B7", "amountMinor": 10000, "currency": "INR"}
TERMS = BOOKING | {
    "status": "confirmed",
    "planId": "hourly",
    "priceVersion": 1,
    "checkInFrom": "2026-12-01T08:45:00Z",
    "checkInUntil": "2026-12-01T09:30:00Z",
    "freeCancelUntil": "2026-12-01T08:00:00Z",
    "lateRefundPercent": 50,
    "planShare": False,
}
CREATED = TERMS | {"state": "booked", "holdId": "hold-of-B7", "seriesId": None}
RESCHEDULED = TERMS | {
    "state": "booked",
    "previousSeatId": "S16",
    "previousStart": "2026-12-01T05:00:00Z",
    "previousEnd": "2026-12-01T07:00:00Z",
    "previousOccupiedUntil": "2026-12-01T07:10:00Z",
    "previousAmountMinor": 12000,
}
CANCELLED = BOOKING | {
    "status": "cancelled",
    "state": "free",
    "late": True,
    "keptMinor": 5000,
    "reasonId": "text-1",
}
CHECKED_IN = BOOKING | {"status": "checked-in", "state": "occupied"}
COMPLETED = BOOKING | {"status": "completed", "state": "free"}
NO_SHOW = BOOKING | {"status": "no-show", "state": "free", "missedAt": "2026-12-01T09:30:00Z"}
REVOKED = BOOKING | {
    "status": "revoked",
    "state": "free",
    "reason": "closure",
    "closureId": "C1",
    "reasonId": "text-2",
}
PAID = BOOKING | {
    "status": "confirmed",
    "paymentId": "P1",
    "paymentMinor": 6000,
    "paidMinor": 6000,
    "method": "upi",
    "referenceId": "text-3",
}
REFUNDED = BOOKING | {
    "status": "cancelled",
    "refundMinor": 1000,
    "paidMinor": 5000,
    "reason": "cancelled",
}
NOTIFIED = {
    "notificationId": "N1",
    "userId": "s1",
    "libraryId": "L1",
    "kind": "booking-revoked",
    "parameters": {"bookingId": "B7", "seatLabel": "17"},
    "textId": None,
}
PERSONAL = NOTIFIED | {"notificationId": "N2", "kind": "personal", "parameters": {}, "textId": "text-4"}
OFFERED = {
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
ANNOUNCED = {"announcementId": "A1", "title": "New rooms", "text": "Two libraries have opened."}
NAMED = {"studentName": "Asha"}


def seat(state: str) -> dict[str, Any]:
    return {
        "seatId": "S17",
        "occupation": "occupation-of-B7",
        "state": state,
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T11:10:00Z",
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
HOURS = {"libraryId": "L1", "hours": [{"day": "monday", "opens": "09:00:00", "closes": "18:00:00"}]}
PRICES = {
    "libraryId": "L1",
    "priceVersion": 1,
    "currency": "INR",
    "plans": [{"id": "hourly", "unit": "hour", "amountMinor": 5000, "shift": None, "zone": None}],
}
SEAT = {"libraryId": "L1", "seatId": "S17", "label": "17", "zone": "quiet", "attributes": {"window": True}}
SEAT_UPDATED: dict[str, Any] = SEAT | {"label": "17b", "zone": "general", "attributes": {}}
CLOSURE = {
    "libraryId": "L1",
    "closureId": "C1",
    "start": "2026-12-01T09:00:00Z",
    "end": "2026-12-01T11:00:00Z",
    "revokeAt": "2026-12-01T09:00:00Z",
}

PUBLIC = ["id", "type", "time", "sequence", "data"]
PARTY = ["id", "type", "time", "sequence", "actor", "commandid", "traceparent", "data"]


def everywhere(
    name: str, data: dict[str, Any], *roles: str
) -> dict[str, tuple[str, list[str], dict[str, Any]]]:
    rooms = (*(f"role:{role}" for role in roles), "library:L1", "library:L1:staff")
    return dict.fromkeys(rooms, (name, PUBLIC, data))


def booking(name: str, data: dict[str, Any]) -> dict[str, tuple[str, list[str], dict[str, Any]]]:
    """What the party sees, and the public where the seat's state changes."""
    shown = {
        "user:s1": (name, PARTY, data),
        "library:L1:staff": (name, PARTY, data | NAMED),
    }
    if "state" in data:
        shown["library:L1"] = ("seat:availability", PUBLIC, seat(data["state"]))
    return shown


def hold(
    status: str, state: str, entry: str | None = None
) -> dict[str, tuple[str, list[str], dict[str, Any]]]:
    return {
        "library:L1": ("seat:availability", PUBLIC, seat(state) | {"until": HOLD["until"]}),
        "library:L1:staff": (
            "seat:availability",
            PARTY,
            HOLD | {"status": status, "state": state, "entryId": entry} | NAMED,
        ),
    }


ROLES = ("student", "library_owner")
TABLE: list[tuple[Event, dict[str, tuple[str, list[str], dict[str, Any]]]]] = [
    (
        given.booked(),
        booking("booking:created", CREATED)
        | {
            "role:library_owner": (
                "booking:created",
                PUBLIC,
                {"libraryId": "L1", "start": BOOKING["start"], "end": BOOKING["end"]},
            )
        },
    ),
    (given.rescheduled(), booking("booking:updated", RESCHEDULED)),
    (given.cancelled(), booking("booking:cancelled", CANCELLED)),
    (given.checked_in(), booking("booking:checkin", CHECKED_IN)),
    (given.checked_out(), booking("booking:checkout", COMPLETED)),
    (BookingCompleted(**given.facts()), booking("booking:updated", COMPLETED)),
    (BookingNoShow(**given.facts(), missed_at=given.CHECK_IN_UNTIL), booking("booking:updated", NO_SHOW)),
    (given.revoked(), booking("booking:updated", REVOKED)),
    (given.paid(), booking("booking:updated", PAID)),
    (given.refunded(), booking("booking:updated", REFUNDED)),
    (HoldPlaced(**given.hold()), hold("held", "held")),
    (HoldPlaced(**given.hold(), entry_id="W1"), hold("held", "held", "W1")),
    (HoldReleased(**given.hold()), hold("released", "free")),
    (HoldLapsed(**given.hold()), hold("lapsed", "free")),
    (given.notified(), {"user:s1": ("notification", PARTY, NOTIFIED)}),
    (given.personal_notice(), {"user:s1": ("notification", PARTY, PERSONAL)}),
    (given.offered(), {"user:s1": ("notification", PARTY, OFFERED)}),
    (given.announced(), {"everyone": ("global:notification", PUBLIC, ANNOUNCED)}),
    (
        given.service_changed(),
        {
            "library:L1": ("seat:availability", PUBLIC, SERVICE),
            "library:L1:staff": (
                "seat:availability",
                PARTY,
                SERVICE | {"libraryId": "L1", "inService": False, "revokeAt": BOOKING["end"]},
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
                SERVICE | {"state": "free", "libraryId": "L1", "inService": True, "revokeAt": None},
            ),
        },
    ),
    (given.library_created(), everywhere("library:created", DETAILS | {"currency": "INR"}, *ROLES)),
    (given.library_updated(), everywhere("library:updated", UPDATED, *ROLES)),
    (LibraryDeleted(library_id="L1"), everywhere("library:deleted", {"libraryId": "L1"}, *ROLES)),
    (
        ClosureAnnounced(
            library_id="L1", closure_id="C1", start=given.START, end=given.END, revoke_at=given.START
        ),
        everywhere("library:updated", CLOSURE, *ROLES),
    ),
    (
        ClosureWithdrawn(library_id="L1", closure_id="C1"),
        everywhere("library:updated", {"libraryId": "L1", "closureId": "C1"}, *ROLES),
    ),
    (given.pricing_updated(), everywhere("pricing:updated", PRICES, "student")),
    (given.hours_set(), everywhere("library:updated", HOURS, *ROLES)),
    (given.seat_added(), everywhere("library:updated", SEAT)),
    (given.seat_updated(), everywhere("library:updated", SEAT_UPDATED)),
    (
        SeatRemoved(library_id="L1", seat_id="S17", revoke_at=given.END),
        everywhere("library:updated", {"libraryId": "L1", "seatId": "S17", "revokeAt": BOOKING["end"]}),
    ),
    (
        given.rules_set(),
        everywhere(
            "library:updated",
            {"libraryId": "L1", "rules": orjson.loads(message(1, given.rules_set()).body)["data"]["rules"]},
            *ROLES,
        ),
    ),
]


UNSEEN = (
    StaffInvited,
    StaffAdded,
    StaffRemoved,
    AccountRegistered,
    AccountDisabled,
    AccountEnabled,
    AccountRoleChanged,
    AccountErased,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOfferLapsed,
    WaitlistAccepted,
    NotificationRead,
)


@pytest.mark.parametrize("event_class", UNSEEN, ids=lambda event_class: event_class.__name__)
def test_what_only_changes_rights_or_a_place_in_line_is_shown_in_no_room(event_class: type[Event]) -> None:
    assert route(example(event_class)).sights == {}


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
    assert {type(event) for event, _ in TABLE} | set(UNSEEN) == set(EVENT_CLASSES)
    assert {type(event) for event in one_of_each()} == set(EVENT_CLASSES)


@pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=lambda event_class: event_class.__name__)
def test_no_event_tells_the_public_who_or_by_which_command(event_class: type[Event]) -> None:
    """Every field of the event is set, and every person, command and text has an id of their own."""
    event = example(event_class)
    envelope = orjson.loads(message(124, event, actor="a-person").body)
    secrets = (
        *("a-person", "owner-1", "student-1", "reason-1", "reference-1", "text-1", "W8"),
        *(METADATA.command_id, "command-124", given.TRACE),
    )

    routed = route(event)

    for room, sight in routed.sights.items():
        if "actor" in sight.view.envelope:
            assert room.startswith("user:") or room.endswith(":staff")
            continue
        shown = orjson.dumps(show(sight.view, envelope, routed.state, str.upper)).decode()
        assert [secret for secret in secrets if secret in shown] == [], room


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: type(event).__name__)
def test_a_party_is_told_every_fact_of_its_booking(event: Event) -> None:
    envelope = orjson.loads(message(124, event).body)
    routed = route(event)
    for room in ("user:s1", "library:L1:staff"):
        sight = routed.sights.get(room)
        if sight is not None and "bookingId" in envelope["data"]:
            shown = show(sight.view, envelope, routed.state, str.upper)
            assert envelope["data"].items() <= shown["data"].items(), room


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
    identity = Identity("me", role, None, given.START, given.END)

    refusal = refused(room, identity, STAFF_OF_L1)

    assert (refusal.code if refusal else None) == code
    assert refusal is None or refusal.reason.endswith(".")


def test_everyone_has_rooms_of_their_own() -> None:
    identity = Identity("o1", "library_owner", None, given.START, given.END)

    assert own_rooms(identity, STAFF_OF_L1) == (
        "everyone",
        "user:o1",
        "role:library_owner",
        "library:L1:staff",
    )
