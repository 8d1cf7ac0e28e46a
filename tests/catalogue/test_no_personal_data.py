"""The log has no personal data: field by field of every event, and string by string of every golden file.

A text field is an identifier, one of a closed list of words, or stands below with the reason why what is in
it is about no person. Whoever adds another one says here why it may be in a log that nobody can delete from.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from studyspot.catalogue.codec import Metadata
from studyspot.catalogue.types import VOCABULARY
from studyspot.domain.identifiers import is_identifier
from tests.catalogue.golden import FOLDER

OF_A_PLACE = "what a library tells the public about itself: it is a place, not a person"
OF_FURNITURE = "what a library calls a seat, or says that it has"
MAY_BE_TEXT: Mapping[tuple[str, str], str] = {
    **{
        (library, field): OF_A_PLACE
        for library in ("LibraryCreated", "LibraryUpdated")
        for field in ("name", "city", "address", "amenities", "time_zone")
    },
    **{
        (seat, field): OF_FURNITURE
        for seat in ("SeatAdded", "SeatUpdated")
        for field in ("label", "zone", "attributes")
    },
    ("Plan", "zone"): OF_FURNITURE,
    ("AnnouncementMade", "title"): "an announcement is public, and made to stay",
    ("AnnouncementMade", "text"): "an announcement is public, and made to stay",
    ("NotificationSent", "cause"): "a position of the log, a kind, and an id",
    ("NotificationSent", "parameters"): "ids, times and amounts: a test of every notice looks at them",
}
WAITS_FOR_FURNITURE = {
    (f"Waitlist{verb}", field): OF_FURNITURE
    for verb in ("Joined", "Left", "Offered", "OfferLapsed", "Accepted")
    for field in ("zone", "attributes")
}
ALLOWED = {**MAY_BE_TEXT, **WAITS_FOR_FURNITURE}
CURRENCY = "currency"
OPAQUE = "occupation"
"""A random id, under no other name in any event."""

EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
PHONE = re.compile(r"\+?\d[\d ()-]{7,}\d")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d\d:\d\d(:\d\d)?")
TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]")
WORDS_APART = re.compile(r"\s")


def text_fields(shape: type[Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields of a class, and of the classes in it, in which any text may stand."""
    hints = get_type_hints(shape)
    for field in fields(shape):
        for part in parts_of(hints[field.name]):
            if is_dataclass(part) and isinstance(part, type):
                yield from text_fields(part)
            elif part is str:
                yield shape.__name__, field.name


def parts_of(hint: Any) -> Iterator[Any]:
    """Yield the plain types and the classes of which a type is made; closed lists of words are none."""
    if get_origin(hint) is Literal:
        return
    inner = get_args(hint)
    if not inner:
        assert hint is not Any, "an event says what is in it"
        yield hint
    elif get_origin(hint) in (Union, UnionType, tuple) or issubclass(get_origin(hint), Mapping):
        for part in inner:
            if part is not Ellipsis:
                yield from parts_of(part)
    else:
        raise AssertionError(f"{hint} is a type that this test does not know")


def is_told_by_its_name(field: str) -> bool:
    return field in ("id", OPAQUE, CURRENCY) or field.endswith("_id")


SHAPES = sorted({version.shape for version in VOCABULARY.versions()}, key=lambda shape: shape.__name__)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_text_in_an_event_is_an_identifier_or_about_no_person(shape: type[Any]) -> None:
    unexplained = {
        place for place in text_fields(shape) if not is_told_by_its_name(place[1]) and place not in ALLOWED
    }
    assert not unexplained, "people are opaque ids, and what is written about them is an id too"


def test_nothing_is_explained_that_is_not_there() -> None:
    there = {place for shape in SHAPES for place in text_fields(shape)}
    assert ALLOWED.keys() <= there


def test_what_stands_around_an_event_is_no_text_about_anybody() -> None:
    texts = {name for _, name in text_fields(Metadata)}
    assert texts == {"command_id", "actor", "traceparent"}


@pytest.mark.parametrize("personal", ["asha@example.org", "Asha Rao", "+91 98220 12345", "आशा", ""])
def test_what_tells_of_a_person_is_no_identifier(personal: str) -> None:
    assert not is_identifier(personal)


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a message, with where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield f"{path} (a name)", name
            yield from strings(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, path)


FREE = re.compile(r"data\.(name|city|address|amenities|timeZone|label|title|text)|data\.attributes\..*")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_no_golden_message_has_an_address_a_number_or_words_about_somebody(path: Path) -> None:
    message = json.loads(path.read_text())
    for place, text in strings(message):
        assert not EMAIL.search(text), place
        if TIME.fullmatch(text) or TRACE.fullmatch(text) or place == "commandid":
            continue
        assert not PHONE.search(text), place
        if not FREE.fullmatch(place):
            assert not WORDS_APART.search(text), f"{place} has room for words"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("data.reasonId", "asha@example.org"),
        ("data.referenceId", "+91 98220 12345"),
        ("data.userId", "Asha Rao"),
    ],
)
def test_the_search_finds_what_it_is_for(place: str, text: str) -> None:
    found = (
        EMAIL.search(text) or PHONE.search(text) or (not FREE.fullmatch(place) and WORDS_APART.search(text))
    )
    assert found
