"""An event in several versions: whatever version was stored, the newest is read."""

import json
import pickle
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from studyspot.catalogue.cloudevents import (
    UnknownMessage,
    UnreadableMessage,
    from_message,
    renewed,
    to_message,
)
from studyspot.catalogue.codec import Metadata, UnreadableEvent, decode, encode
from studyspot.catalogue.schemas import asyncapi, schemas
from studyspot.catalogue.tags import tags_of
from studyspot.catalogue.types import UnknownEventType, UnknownEventVersion, Vocabulary
from studyspot.catalogue.versions import Upcast
from studyspot.domain.events import SeatAdded, SeatAvailabilityChanged
from studyspot.domain.shape import Shape

METADATA = Metadata(time=datetime(2026, 12, 1, 9, tzinfo=UTC), command_id="c1", actor="owner-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatAddedV1(Shape):
    """A seat, by its number."""

    library_id: str
    seat_id: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatAddedV2(Shape):
    """A seat, by its label, in a quiet room or not."""

    library_id: str
    seat_id: str
    label: str
    quiet: bool = False


def labelled(old: SeatAddedV1) -> SeatAddedV2:
    return SeatAddedV2(library_id=old.library_id, seat_id=old.seat_id, label=f"No. {old.number}")


def zoned(old: SeatAddedV2) -> SeatAdded:
    if old.label == "":
        raise ValueError("a seat without a label")
    zone = "quiet" if old.quiet else "general"
    return SeatAdded(library_id=old.library_id, seat_id=old.seat_id, label=old.label, zone=zone)


FIRST = Upcast(SeatAddedV1, SeatAddedV2, labelled)
SECOND = Upcast(SeatAddedV2, SeatAdded, zoned)
# The order in which steps are named does not matter.
VOCABULARY = Vocabulary((SeatAdded, SeatAvailabilityChanged), (SECOND, FIRST))
ADDED = SeatAdded(library_id="L1", seat_id="S17", label="No. 17", zone="general")

DATA: dict[int, dict[str, Any]] = {
    1: {"libraryId": "L1", "seatId": "S17", "number": 17},
    2: {"libraryId": "L1", "seatId": "S17", "label": "No. 17", "quiet": False},
    3: {"libraryId": "L1", "seatId": "S17", "label": "No. 17", "zone": "general", "attributes": {}},
}


def stored(version: object, data: dict[str, Any]) -> bytes:
    """Return what a release that wrote this version has left in the store."""
    envelope = {"v": version, "time": "2026-12-01T09:00:00Z", "actor": "owner-1", "commandid": "c1"}
    return json.dumps({**envelope, "traceparent": None, "data": data}).encode()


@pytest.mark.parametrize("version", DATA)
def test_every_stored_version_is_read_as_the_newest(version: int) -> None:
    assert decode("seat.added", stored(version, DATA[version]), VOCABULARY) == (ADDED, METADATA)


@pytest.mark.parametrize("version", DATA)
def test_a_message_keeps_the_version_that_was_stored_and_is_read_as_the_newest(version: int) -> None:
    body = to_message(7, "k3", "seat.added", stored(version, DATA[version])).body
    message = json.loads(body)
    assert message["type"] == f"studyspot.seat.added.v{version}"
    assert message["dataschema"] == f"/schemas/studyspot.seat.added.v{version}.json"
    assert message["data"] == DATA[version]
    recorded = from_message(body, VOCABULARY)
    assert (recorded.event, recorded.metadata, recorded.position) == (ADDED, METADATA, 7)


@pytest.mark.parametrize("version", DATA)
def test_a_renewed_message_is_the_one_that_this_release_would_have_written(version: int) -> None:
    body = to_message(7, "k3", "seat.added", stored(version, DATA[version])).body
    newest = to_message(7, "k3", "seat.added", encode(ADDED, METADATA, VOCABULARY)).body
    assert renewed(body, from_message(body, VOCABULARY), VOCABULARY) == newest


def test_a_message_of_an_event_that_never_changed_is_renewed_as_it_is() -> None:
    event = SeatAvailabilityChanged(library_id="L1", seat_id="S17", in_service=False)
    body = to_message(8, "k3", "seat.availability-changed", encode(event, METADATA, VOCABULARY)).body
    assert renewed(body, from_message(body, VOCABULARY), VOCABULARY) is body


def test_the_newest_version_is_written() -> None:
    assert json.loads(encode(ADDED, METADATA, VOCABULARY))["v"] == 3
    assert VOCABULARY.type_of(SeatAdded) == "seat.added", "the stored type has no version"
    assert VOCABULARY.class_of("seat.added") is SeatAdded


@pytest.mark.parametrize("version", DATA)
def test_an_old_event_has_the_tags_and_the_subject_of_a_new_one(version: int) -> None:
    event, _ = decode("seat.added", stored(version, DATA[version]), VOCABULARY)
    assert tags_of(event) == tags_of(ADDED)
    newest = to_message(7, "k3", "seat.added", encode(ADDED, METADATA, VOCABULARY))
    assert to_message(7, "k3", "seat.added", stored(version, DATA[version])).subject == newest.subject


def test_a_version_of_a_newer_release_is_refused_by_its_number() -> None:
    data = stored(4, {"libraryId": "L1", "seatIds": ["S17", "S18"]})
    with pytest.raises(UnknownEventVersion, match=r"seat\.added in version 4") as refused:
        decode("seat.added", data, VOCABULARY)
    assert (refused.value.event_type, refused.value.version, refused.value.newest) == ("seat.added", 4, 3)
    assert not isinstance(refused.value, UnreadableEvent), "it is not damaged"
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value), "processes tell it"
    with pytest.raises(UnknownMessage) as unknown:
        from_message(to_message(7, "k3", "seat.added", data).body, VOCABULARY)
    assert isinstance(unknown.value.__cause__, UnknownEventVersion)


def test_a_type_of_a_newer_release_is_unknown_and_not_unreadable() -> None:
    data = stored(1, {"libraryId": "L1"})
    with pytest.raises(UnknownEventType, match=r"seat\.painted"):
        decode("seat.painted", data, VOCABULARY)
    with pytest.raises(UnknownMessage) as unknown:
        from_message(to_message(7, "k3", "seat.painted", data).body, VOCABULARY)
    assert isinstance(unknown.value.__cause__, UnknownEventType)


@pytest.mark.parametrize("version", [0, -1, 1.5, "1", True, None])
def test_what_is_no_version_is_unreadable(version: object) -> None:
    with pytest.raises(UnreadableEvent):
        decode("seat.added", stored(version, DATA[1]), VOCABULARY)


@pytest.mark.parametrize(("version", "other"), [(1, 2), (2, 1), (2, 3), (3, 1)])
def test_data_are_judged_by_their_own_version(version: int, other: int) -> None:
    with pytest.raises(UnreadableEvent, match=f"version {version}"):
        decode("seat.added", stored(version, DATA[other]), VOCABULARY)


def test_data_that_mean_nothing_in_a_later_version_are_unreadable() -> None:
    with pytest.raises(UnreadableEvent, match="without a label"):
        decode("seat.added", stored(2, DATA[2] | {"label": ""}), VOCABULARY)


@pytest.mark.parametrize(
    "name", ["studyspot.seat.added", "studyspot..v1", "seat.added.v1", "v1", "studyspot.seat.added.vx"]
)
def test_a_message_whose_type_is_none_of_ours_is_unreadable_and_not_unknown(name: str) -> None:
    body = json.loads(to_message(7, "k3", "seat.added", stored(1, DATA[1])).body)
    with pytest.raises(UnreadableMessage) as refused:
        from_message(json.dumps(body | {"type": name}).encode(), VOCABULARY)
    assert not isinstance(refused.value, UnknownMessage)


def test_each_version_has_a_schema_that_takes_its_own_data_alone() -> None:
    described = schemas(VOCABULARY)
    for version, data in DATA.items():
        message = json.loads(to_message(7, "k3", "seat.added", stored(version, data)).body)
        for other in DATA:
            validator = jsonschema.Draft202012Validator(described[f"studyspot.seat.added.v{other}"])
            assert validator.is_valid(message) is (version == other)


def test_analysts_are_told_every_version_that_the_stream_may_hold() -> None:
    document = asyncapi("2.0.0", VOCABULARY)
    names = [f"studyspot.seat.added.v{version}" for version in DATA]
    channel = document["channels"]["seat.added"]
    assert list(channel["messages"]) == names
    assert channel["description"] == "The library has another seat, in service."
    told = {name: document["components"]["messages"][name] for name in names}
    assert [message["payload"]["$ref"] for message in told.values()] == [
        f"schemas/{name}.json" for name in names
    ]
    assert [message["summary"].partition(";")[0] for message in told.values()] == [
        "What earlier releases wrote",
        "What earlier releases wrote",
        "What this release writes.",
    ]


def test_a_step_that_was_forgotten_is_found_at_once() -> None:
    with pytest.raises(ValueError, match=r"SeatAddedV2 is version 1 of .* call it SeatAddedV1"):
        Vocabulary((SeatAdded,), (SECOND,))
    with pytest.raises(ValueError, match="no event comes of SeatAddedV1"):
        Vocabulary((SeatAdded,), (FIRST,))


def test_two_ways_from_one_version_to_the_next_are_refused() -> None:
    with pytest.raises(ValueError, match="SeatAddedV"):
        Vocabulary(
            (SeatAdded,), (FIRST, SECOND, Upcast(SeatAddedV1, SeatAdded, lambda old: zoned(labelled(old))))
        )
