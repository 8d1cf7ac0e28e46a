"""Arbitrary events: every class of the union, every field, within the limits of what a door lets in."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from studyspot.catalogue.codec import Metadata
from studyspot.catalogue.types import EVENT_CLASSES
from studyspot.domain.events import BookingRescheduled, Event, OccupationFacts, Plan

IDENTIFIERS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
INSTANTS = st.integers(0, 20 * 365 * 24 * 60).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
# What JSON carries without loss everywhere.
INTEGERS = st.integers(-(2**53), 2**53)

st.register_type_strategy(datetime, INSTANTS)
st.register_type_strategy(int, INTEGERS)

_ATTRIBUTES = st.dictionaries(TEXTS, TEXTS | st.booleans() | INTEGERS, max_size=3)
_SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "occupation": IDENTIFIERS,
    "cause": st.from_regex(r"[1-9][0-9]{0,9}:[a-z-]{1,20}(:[A-Za-z0-9_-]{1,64})?", fullmatch=True),
    "plans": st.lists(st.builds(Plan, id=IDENTIFIERS), max_size=3).map(tuple),
    "attributes": _ATTRIBUTES,
    "parameters": _ATTRIBUTES,
}


@st.composite
def _of(draw: st.DrawFn, event_class: type[Event]) -> Event:
    arguments: dict[str, Any] = {}
    for field in fields(event_class):
        if field.name in _SPECIAL:
            arguments[field.name] = draw(_SPECIAL[field.name])
        elif field.name.endswith("_id"):
            arguments[field.name] = draw(IDENTIFIERS if field.type is str else st.none() | IDENTIFIERS)
    if issubclass(event_class, OccupationFacts):
        _interval(draw, arguments, "")
    if issubclass(event_class, BookingRescheduled):
        _interval(draw, arguments, "previous_")
    built: st.SearchStrategy[Any] = st.builds(
        event_class, **{name: st.just(value) for name, value in arguments.items()}
    )
    event: Event = draw(built)
    return event


def _interval(draw: st.DrawFn, arguments: dict[str, Any], prefix: str) -> None:
    """Tags are bounded because intervals are: a hundred days at most, and a day's buffer."""
    start = draw(INSTANTS)
    end = start + timedelta(minutes=draw(st.integers(1, 100 * 24 * 60)))
    until = end + timedelta(minutes=draw(st.integers(0, 24 * 60)))
    arguments |= {f"{prefix}start": start, f"{prefix}end": end, f"{prefix}occupied_until": until}


EVENTS: st.SearchStrategy[Event] = st.sampled_from(EVENT_CLASSES).flatmap(_of)
METADATA = st.builds(Metadata, time=INSTANTS, command_id=IDENTIFIERS, actor=st.none() | IDENTIFIERS)
