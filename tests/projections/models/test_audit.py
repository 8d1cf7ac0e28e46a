"""What the audit passes by unread is what changes nothing in it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from studyspot.catalogue.codec import Metadata, Recorded, encode
from studyspot.catalogue.types import type_of
from studyspot.domain.events import BookingCreated, Event
from studyspot.projections.models.audit import changes, passes_by
from tests.catalogue.examples import EVENTS, METADATA


@given(event=EVENTS, metadata=METADATA, own=st.booleans())
def test_an_event_is_passed_by_exactly_where_it_changes_nothing(
    event: Event, metadata: Metadata, own: bool
) -> None:
    if own:
        metadata = replace(metadata, actor=getattr(event, "user_id", None))
    recorded = Recorded(position=1, epoch="k3", event=event, metadata=metadata)
    stored = encode(event, metadata)
    passed = passes_by(type_of(type(event)), stored)
    assert not (passed and changes(recorded))
    if isinstance(event, BookingCreated):
        assert passed is not bool(changes(recorded))


def test_what_is_no_event_is_not_passed_by() -> None:
    for stored in (b"", b"[]", b'{"v":1}', b'{"v":1,"actor":"a","data":[]}', b'{"v":2,"actor":null}'):
        assert not passes_by("booking.created", stored)
