"""Every event as the portals are told of it, and what they are never told."""

from collections import Counter
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyspot.catalogue.types import EVENT_CLASSES
from studyspot.domain.events import Event, Plan, PlanUnit, PricingUpdated
from studyspot.ws_fanout.routed import RoutedEvent, routed
from studyspot.ws_fanout.socket_io.payloads import packets
from studyspot.ws_fanout.socket_io.scene import Scene
from tests.catalogue.examples import EVENTS, INSTANTS
from tests.ws_fanout.events import START, TRACE, library_created, message, one_of_each
from tests.ws_fanout.socket_io.stage import Packets, Stage

PERSON = "the-person-of-it"
ACTOR = "whoever-did-it"
TIMES = {"timestamp"}
BOOKING = {
    *("id", "bookingId", "studentName", "libraryName", "libraryId", "seatId", "date", "startTime", "endTime"),
    *("time", "duration", "status", "totalAmount", "amount"),
}
SUMMARY = {"libraryName", "libraryId", "date", "startTime", "endTime", "time", "duration"}
DETAILS = {"name", "city", "address", "timeZone", "amenities"}
SEAT = {"seatId", "label", "zone", "attributes", "revokeAt"}
OTHERS = {"closureId", "start", "end", "revokeAt", "hours", "rules"}
NOTICE = {"notificationId", "userId", "libraryId", "kind", "parameters", "textId"}
ALLOWED = {
    "booking:created": BOOKING,
    "booking:updated": BOOKING,
    "booking:checkin": BOOKING,
    "booking:checkout": BOOKING,
    "booking:cancelled": {"id", "bookingId", "booking"},
    "seat:availability": {"libraryId", "seatId", "available", *TIMES},
    "pricing:updated": {"libraryId", "pricing", *TIMES},
    "library:created": {"id", "libraryId", *DETAILS, "currency", *TIMES},
    "library:updated": {"id", "libraryId", *DETAILS, *SEAT, *OTHERS, *TIMES},
    "library:deleted": {"id", "libraryId", *TIMES},
    "notification": {"id", *NOTICE, *TIMES},
    "global:notification": {"id", "announcementId", "title", "text", "message", *TIMES},
}


def about_the_person(event: Event) -> Event:
    """The event with ids that are found again wherever they are told."""
    ids = {"user_id": PERSON, "owner_id": PERSON, "occupation": "of-one-occupation"}
    for field in fields(event):
        if field.name in ("booking_id", "hold_id", "entry_id", "series_id", "reason_id", "payment_id"):
            ids[field.name] = f"one-{field.name}"
        if field.name in ("reference_id", "text_id", "revoked_booking_id"):
            ids[field.name] = f"one-{field.name}"
    return replace(event, **{field.name: ids[field.name] for field in fields(event) if field.name in ids})  # type: ignore[arg-type]


def happened(event: Event, time: datetime = START) -> tuple[RoutedEvent, Scene]:
    """The event as it is told, after which nothing has happened."""
    event_routed, recorded = routed(message(7, event, actor=ACTOR, time=time))
    assert recorded is not None
    scene = Scene()
    scene.apply(recorded)
    return event_routed, scene


def told(event: RoutedEvent, scene: Scene, rooms: tuple[str, ...], at: datetime) -> Packets:
    return packets(event, rooms, scene, lambda user: f"Name of {user}", at)


def is_private(room: str) -> bool:
    return room.startswith("user:") or room.endswith(":staff")


rooms_of_them = st.lists(st.booleans(), min_size=7, max_size=7)
minutes_after_its_start = st.integers(-60, 60) | st.integers(-1_000_000, 1_000_000)


def moment_of(event: Event, minutes: int) -> datetime:
    """So many minutes after what the event is about begins, where it is about a time."""
    start: datetime = getattr(event, "start", START)
    return start + timedelta(minutes=minutes)


@given(EVENTS, INSTANTS, minutes_after_its_start, rooms_of_them)
def test_each_name_comes_once_for_each_seat_with_seats_first_and_with_what_is_allowed_and_no_more(
    event: Event, time: datetime, minutes: int, chosen: list[bool]
) -> None:
    event_routed, scene = happened(event, time)
    rooms = tuple(room for room, is_in in zip(event_routed.route.sights, chosen, strict=False) if is_in)

    made = told(event_routed, scene, rooms, moment_of(event, minutes))

    counts = Counter(
        (name, payload["seatId"] if name == "seat:availability" else "") for name, payload in made
    )
    assert set(counts.values()) <= {1}
    names = [name for name, _ in made]
    assert names == sorted(names, key=lambda name: name != "seat:availability")
    assert len(set(names) - {"seat:availability"}) <= 1
    for name, payload in made:
        assert payload.keys() <= ALLOWED[name]
        orjson.dumps(payload)


@given(EVENTS, INSTANTS, minutes_after_its_start)
def test_no_room_of_the_public_is_told_who_or_by_which_command(
    event: Event, time: datetime, minutes: int
) -> None:
    event = about_the_person(event)
    event_routed, scene = happened(event, time)
    public = tuple(room for room in event_routed.route.sights if not is_private(room))

    for rooms in ((room,) for room in public):
        assert secrets_in(told(event_routed, scene, rooms, moment_of(event, minutes))) == []
    assert secrets_in(told(event_routed, scene, public, moment_of(event, minutes))) == []


def secrets_in(made: Packets) -> list[str]:
    text = orjson.dumps(made).decode()
    return [secret for secret in (PERSON, ACTOR, "command-7", TRACE, "one-", "of-one-occ") if secret in text]


@pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=lambda event_class: event_class.__name__)
def test_that_search_finds_whatever_is_told_of_a_person(event_class: type[Event]) -> None:
    """Were the public told what the student is told, it would show."""
    given_event = next(event for event in one_of_each() if type(event) is event_class)
    event_routed, scene = happened(about_the_person(given_event))
    party = tuple(room for room in event_routed.route.sights if room.startswith("user:"))

    if party:
        assert PERSON in secrets_in(told(event_routed, scene, party, START))


@given(EVENTS, INSTANTS, minutes_after_its_start, rooms_of_them)
def test_who_is_in_several_rooms_is_told_what_the_richest_of_each_name_is(
    event: Event, time: datetime, minutes: int, chosen: list[bool]
) -> None:
    event_routed, scene = happened(event, time)
    rooms = tuple(room for room, is_in in zip(event_routed.route.sights, chosen, strict=False) if is_in)

    alone = [
        packet for room in rooms for packet in told(event_routed, scene, (room,), moment_of(event, minutes))
    ]
    together = told(event_routed, scene, rooms, moment_of(event, minutes))

    richest: dict[tuple[str, str], dict[str, Any]] = {}
    for name, payload in alone:
        key = (name, payload["seatId"] if name == "seat:availability" else "")
        if len(payload) > len(richest.get(key, {})):
            richest[key] = payload
    assert sorted(map(repr, together)) == sorted(
        repr((name, payload)) for (name, _), payload in richest.items()
    )


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: type(event).__name__)
def test_nobody_in_none_of_its_rooms_is_told_anything(event: Event) -> None:
    assert list(Stage().tell(event, at=START)) == []
    assert list(Stage().tell(event, "library:L9", "user:u9", "role:admin", at=START)) == []


def priced(*plans: tuple[PlanUnit, int, str | None], currency: str = "INR") -> dict[str, Any]:
    """What is told of a library with plans of these units, amounts and zones."""
    event = PricingUpdated(
        library_id="L1",
        price_version=3,
        currency=currency,
        plans=tuple(
            Plan(
                id=f"P{number}",
                unit=unit,
                amount_minor=amount,
                zone=zone,
                shift="night" if unit == "shift" else None,
            )
            for number, (unit, amount, zone) in enumerate(plans)
        ),
    )
    ((name, payload),) = Stage(library_created()).tell(event, "library:L1", at=START + timedelta(hours=1))
    assert name == "pricing:updated"
    assert payload.keys() == {"libraryId", "pricing", "timestamp"}
    assert (payload["libraryId"], payload["timestamp"]) == ("L1", "2026-12-01T10:00:00Z")
    pricing: dict[str, Any] = payload["pricing"]
    return pricing


def rates(pricing: dict[str, Any]) -> list[float | None]:
    return [pricing[rate] for rate in ("hourlyRate", "dailyRate", "weeklyRate", "monthlyRate")]


def test_rates_are_those_of_plans_of_their_unit_in_major_units() -> None:
    pricing = priced(("hour", 5000, None), ("day", 35050, None), ("week", 150000, None), ("month", 1, None))

    assert rates(pricing) == [50, 350.5, 1500, 0.01]
    assert pricing["currency"] == "INR"


def test_what_a_library_has_no_plan_for_has_no_rate() -> None:
    assert rates(priced()) == [None] * 4
    assert rates(priced(("shift", 9000, None), ("day", 100, None))) == [None, 1, None, None]


def test_of_several_plans_the_cheapest_for_any_seat_is_the_rate_and_of_zones_the_cheapest() -> None:
    assert rates(priced(("hour", 900, None), ("hour", 700, None), ("hour", 500, "quiet")))[0] == 7
    assert rates(priced(("hour", 900, "ac"), ("hour", 700, "quiet")))[0] == 7


@pytest.mark.parametrize(("currency", "amount"), [("INR", 12.34), ("JPY", 1234), ("KWD", 1.234)])
def test_prices_have_the_decimals_of_their_currency(currency: str, amount: float) -> None:
    pricing = priced(("month", 1234, None), currency=currency)

    assert pricing["monthlyRate"] == amount
    assert pricing["plans"][0]["amount"] == amount


def test_plans_are_told_as_they_are_with_their_amount_in_major_units_beside() -> None:
    assert priced(("shift", 9000, "ac"))["plans"] == [
        {"id": "P0", "unit": "shift", "amountMinor": 9000, "shift": "night", "zone": "ac", "amount": 90}
    ]
