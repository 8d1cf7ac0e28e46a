"""Everything that is derived from the vocabulary agrees with it, and with what was shipped."""

import json
from dataclasses import is_dataclass, replace
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studyspot.catalogue.cloudevents import UnreadableMessage, from_message, renewed, to_message
from studyspot.catalogue.codec import Metadata, UnreadableEvent, decode, encode
from studyspot.catalogue.schemas import asyncapi, schemas
from studyspot.catalogue.tags import tags_of
from studyspot.catalogue.types import EVENT_CLASSES, UnknownEventType, class_of, type_of
from studyspot.domain.events import (
    AnnouncementMade,
    BookingCreated,
    BookingRescheduled,
    Event,
    HoldPlaced,
    NotificationSent,
    PaymentRecorded,
    PaymentRefunded,
)
from studyspot.domain.identifiers import is_identifier
from tests.catalogue.examples import EVENTS, METADATA
from tests.catalogue.golden import FOLDER, NINE, example, messages, names
from tests.catalogue.golden import METADATA as GOLDEN_METADATA

TYPES = {
    *("library.created", "library.updated", "library.deleted", "library.hours-set", "library.rules-set"),
    *("closure.announced", "closure.withdrawn", "pricing.updated"),
    *("seat.added", "seat.updated", "seat.removed", "seat.availability-changed"),
    *("hold.placed", "hold.released", "hold.lapsed"),
    *("booking.created", "booking.rescheduled", "booking.cancelled", "booking.checked-in"),
    *("booking.checked-out", "booking.completed", "booking.no-show", "booking.revoked"),
    *("payment.recorded", "payment.refunded"),
    *("staff.invited", "staff.added", "staff.removed"),
    *("account.registered", "account.disabled", "account.enabled", "account.role-changed", "account.erased"),
    *("waitlist.joined", "waitlist.left", "waitlist.offered", "waitlist.offer-lapsed", "waitlist.accepted"),
    *("notification.sent", "notification.read", "announcement.made"),
}
OCCUPATION = {"occupation", "libraryId", "seatId", "userId", "start", "end", "occupiedUntil", "status"}
FACTS = {
    "hold": OCCUPATION | {"holdId", "until"},
    "booking": OCCUPATION | {"bookingId", "amountMinor", "currency"},
    "waitlist": {"entryId", "libraryId", "userId", "start", "end", "zone", "attributes", "status"},
    "payment": OCCUPATION | {"bookingId", "amountMinor", "currency", "paidMinor"},
}
"""What every event about these carries."""


def test_types_are_those_of_the_contract() -> None:
    assert {type_of(event_class) for event_class in EVENT_CLASSES} == TYPES


def test_there_is_one_golden_file_per_version_of_an_event_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == names()


@pytest.mark.parametrize("name", sorted(messages()))
def test_a_message_still_looks_as_it_was_shipped(name: str) -> None:
    assert messages()[name] == json.loads((FOLDER / f"{name}.json").read_text())


@pytest.mark.parametrize("name", sorted(names()))
def test_a_shipped_message_of_any_version_is_read_as_the_newest(name: str) -> None:
    body = (FOLDER / f"{name}.json").read_bytes()
    recorded = from_message(body)
    assert type(recorded.event) in EVENT_CLASSES
    assert (recorded.position, recorded.epoch, recorded.id) == (124, "k3", "k3-124")
    assert tags_of(recorded.event) == tags_of(example(type(recorded.event)))
    assert json.loads(renewed(body, recorded))["subject"] == json.loads(body)["subject"]
    if name in messages():
        assert recorded.event == example(type(recorded.event))


@pytest.mark.parametrize("name", sorted(names()))
def test_a_message_is_what_its_schema_says(name: str) -> None:
    validator = jsonschema.Draft202012Validator(
        schemas()[name], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    message = json.loads((FOLDER / f"{name}.json").read_text())
    validator.validate(message)
    validator.validate(message | {"another": "attribute"})
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(message | {"data": message["data"] | {"unknown": 1}})


def test_the_asyncapi_document_lists_every_event() -> None:
    document = asyncapi("1.2.3")
    assert set(document["channels"]) == TYPES
    assert set(document["components"]["messages"]) == set(schemas())
    assert all(channel["description"] for channel in document["channels"].values())


@pytest.mark.parametrize("event_class", EVENT_CLASSES)
def test_every_event_is_described(event_class: type[Event]) -> None:
    assert is_dataclass(event_class)
    assert event_class.__doc__
    assert not event_class.__doc__.startswith(f"{event_class.__name__}(")


@settings(deadline=None)
@given(EVENTS, METADATA)
def test_every_event_round_trips(event: Event, metadata: Metadata) -> None:
    data = encode(event, metadata)
    assert decode(type_of(type(event)), data) == (event, metadata)
    message = to_message(7, "k1", type_of(type(event)), data)
    recorded = from_message(message.body)
    # Whoever writes the same JSON otherwise is understood the same.
    assert from_message(json.dumps(json.loads(message.body), sort_keys=True).encode()) == recorded
    assert (recorded.event, recorded.metadata, recorded.position) == (event, metadata, 7)
    assert to_message(7, "k1", type_of(type(event)), data) == message


@settings(deadline=None)
@given(EVENTS)
def test_every_event_has_tags_and_a_subject_that_a_broker_takes(event: Event) -> None:
    tags = tags_of(event)
    # No decision looks for an announcement.
    assert isinstance(event, AnnouncementMade) or 1 <= len(set(tags)) <= 500
    subject = to_message(1, "k1", type_of(type(event)), encode(event, GOLDEN_METADATA)).subject
    root, entity, verb, library, user = subject.split(".")
    assert (root, f"{entity}.{verb}") == ("studyspot", type_of(type(event)))
    assert library == (getattr(event, "library_id", None) or "_")
    assert user == (getattr(event, "user_id", None) or "_")
    assert is_identifier(library)
    assert is_identifier(user)


def test_events_about_holds_bookings_and_payments_carry_all_facts() -> None:
    seen = set()
    for name, message in messages().items():
        entity = name.split(".")[1]
        if entity in FACTS:
            seen.add(entity)
            assert message["data"].keys() >= FACTS[entity], name
            assert message["subject"].endswith(".L1.student-1")
    assert seen == FACTS.keys()


def test_a_rescheduling_is_found_under_the_old_and_the_new_seat_and_time() -> None:
    tags = tags_of(example(BookingRescheduled))
    assert tags == (
        "booking:B7",
        "seat-day:S17:2026-12-02",
        "student-week:student-1:2026-W49",
        "seat-day:S16:2026-12-03",
        "student-week:student-1:2026-W49",
    )


def test_the_first_of_a_week_is_found_in_the_week_before_it_was_moved_from() -> None:
    moved = replace(
        example(BookingRescheduled),
        previous_start=NINE - timedelta(days=7),
        previous_occupied_until=NINE - timedelta(days=7, hours=-2),
    )
    weeks = {tag for tag in tags_of(moved) if tag.startswith("student-week")}
    assert weeks == {"student-week:student-1:2026-W49", "student-week:student-1:2026-W48"}


def test_a_booking_from_a_hold_is_found_by_the_hold() -> None:
    created = example(BookingCreated)
    assert "hold:H5" in tags_of(created)
    assert not any(tag.startswith("hold:") for tag in tags_of(replace(created, hold_id=None)))
    assert tags_of(example(HoldPlaced)) == (
        "hold:H5",
        "seat-day:S17:2026-12-02",
        "student-week:student-1:2026-W49",
    )


def test_a_buffer_that_reaches_into_the_next_day_is_found_there() -> None:
    midnight = NINE + timedelta(hours=15)
    placed = replace(example(HoldPlaced), end=midnight, occupied_until=midnight + timedelta(minutes=10))
    assert {tag for tag in tags_of(placed) if tag.startswith("seat-day")} == {
        "seat-day:S17:2026-12-02",
        "seat-day:S17:2026-12-03",
    }


def test_payments_are_found_by_their_booking_and_notices_by_their_cause() -> None:
    assert tags_of(example(PaymentRecorded)) == tags_of(example(PaymentRefunded)) == ("booking:B7",)
    assert tags_of(example(NotificationSent)) == ("notification:N3", "cause:120:booking-revoked:B7")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"v":2}', b"\xff", b'{"v":1,"time":"x","commandid":"c","data":{}}'],
)
def test_data_that_is_no_event_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableEvent):
        decode("booking.created", data)
    with pytest.raises(UnreadableMessage):
        from_message(data)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(UnknownEventType, match=r"booking\.eaten"):
        class_of("booking.eaten")


@given(st.dictionaries(st.text(max_size=10), st.integers()))
def test_foreign_messages_are_unreadable(body: dict[str, Any]) -> None:
    with pytest.raises(UnreadableMessage):
        from_message(json.dumps(body).encode())
