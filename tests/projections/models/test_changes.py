"""Given an event, when a projection takes it, then these rows change: nothing else decides."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from studyspot.domain.events import (
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    LibraryDeleted,
    LibraryUpdated,
    Plan,
    PricingUpdated,
)
from studyspot.projections.models import bookings, libraries, seats
from studyspot.projections.models.registry import PROJECTIONS, UnknownProjection, named
from studyspot.projections.projection import Projection, PutRow, RemoveRow, RowChange, SetColumns
from tests.catalogue.examples import EVENTS
from tests.projections.happenings import (
    HOUR,
    NINE,
    booked,
    cancelled,
    checked_in,
    checked_out,
    opened,
    recorded,
    seat,
    service,
)


def when(projection: Projection, event: Event, position: int = 7) -> tuple[RowChange, ...]:
    return projection.changes(recorded(event, position))


def put(change: RowChange) -> dict[str, Any]:
    assert isinstance(change, PutRow)
    return dict(change.row)


def test_a_booking_occupies_its_seat_until_it_is_cancelled_or_left() -> None:
    booking = booked()
    (taken,) = when(seats.PROJECTION, booking)
    assert put(taken) == {
        "occupation": "o-B1",
        "library_id": "L1",
        "seat_id": "S1",
        "state": "booked",
        "starts_at": NINE,
        "ends_at": NINE + HOUR,
        "until": None,
        "span_days": 1,
    }
    (sat,) = when(seats.PROJECTION, checked_in(booking))
    assert put(sat) == put(taken) | {"state": "occupied"}
    freed = RemoveRow(seats.OCCUPATIONS, {"occupation": "o-B1"})
    assert when(seats.PROJECTION, cancelled(booking)) == (freed,)
    assert when(seats.PROJECTION, checked_out(booking)) == (freed,)


@pytest.mark.parametrize(
    ("length", "span"),
    [
        (timedelta(minutes=1), 1),
        (timedelta(days=1), 1),
        (timedelta(days=1, seconds=1), 8),
        (timedelta(days=31), 32),
        (timedelta(days=100), 100),
    ],
)
def test_an_occupation_is_kept_under_the_least_span_that_holds_it(length: timedelta, span: int) -> None:
    (taken,) = when(seats.PROJECTION, booked(hours=length / HOUR))
    assert put(taken)["span_days"] == span


def test_a_seat_is_in_service_until_it_is_taken_out() -> None:
    (added,) = when(seats.PROJECTION, seat("S3"), position=9)
    assert put(added) == {
        "seat_id": "S3",
        "library_id": "L1",
        "label": "S3",
        "zone": "quiet",
        "attributes": {},
        "in_service": True,
        "added_at": 9,
    }
    out = SetColumns(seats.SEATS, {"seat_id": "S3"}, {"in_service": False})
    assert when(seats.PROJECTION, service("S3", False)) == (out,)


def test_a_booking_keeps_its_facts_and_changes_its_status() -> None:
    booking = booked()
    (made,) = when(bookings.PROJECTION, booking)
    assert put(made)["status"] == "confirmed"
    assert put(made)["created_at"] == NINE
    for event, status in ((checked_in(booking), "checked-in"), (checked_out(booking), "completed")):
        expected = SetColumns(bookings.BOOKINGS, {"booking_id": "B1"}, {"status": status, "changed_at": NINE})
        assert when(bookings.PROJECTION, event) == (expected,)
    (ended,) = when(bookings.PROJECTION, cancelled(booking, late=True))
    assert isinstance(ended, SetColumns)
    assert ended.values == {"status": "cancelled", "changed_at": NINE, "cancelled_late": True}


def test_a_library_tells_its_newest_details_prices_and_closures() -> None:
    (created,) = when(libraries.PROJECTION, opened(amenities=("wifi",)), position=1)
    assert put(created)["plans"] == []
    assert put(created)["price_from_minor"] is None
    key = {"library_id": "L1"}
    (renamed,) = when(
        libraries.PROJECTION, LibraryUpdated(library_id="L1", name="N", city="C", time_zone="Asia/Kolkata"), 2
    )
    details: dict[str, Any] = {
        "name": "N",
        "city": "C",
        "address": None,
        "time_zone": "Asia/Kolkata",
        "amenities": [],
    }
    assert renamed == SetColumns(libraries.LIBRARIES, key, {**details, "position": 2})
    plans = (Plan(id="d", unit="day", amount_minor=900), Plan(id="h", unit="hour", amount_minor=100))
    pricing = PricingUpdated(library_id="L1", price_version=4, currency="INR", plans=plans)
    (priced,) = when(libraries.PROJECTION, pricing)
    assert isinstance(priced, SetColumns)
    assert (priced.values["price_version"], priced.values["price_from_minor"]) == (4, 100)
    closing = ClosureAnnounced(library_id="L1", closure_id="C1", start=NINE)
    closed, touched = when(libraries.PROJECTION, closing, 5)
    assert put(closed) == {"library_id": "L1", "closure_id": "C1", "starts_at": NINE, "ends_at": None}
    assert touched == SetColumns(libraries.LIBRARIES, key, {"position": 5})
    reopened, _ = when(libraries.PROJECTION, ClosureWithdrawn(library_id="L1", closure_id="C1"))
    assert reopened == RemoveRow(libraries.CLOSURES, {"library_id": "L1", "closure_id": "C1"})
    (retired,) = when(libraries.PROJECTION, LibraryDeleted(library_id="L1"))
    assert isinstance(retired, SetColumns)
    assert retired.values["retired"] is True


@settings(max_examples=60, deadline=None)
@given(event=EVENTS)
def test_a_projection_takes_exactly_the_events_that_change_its_rows(event: Event) -> None:
    for projection in PROJECTIONS:
        takes = type(event) in projection.event_classes
        changes = when(projection, event)
        assert bool(changes) is takes
        for change in changes:
            touched = change.row if isinstance(change, PutRow) else change.key
            assert change.table.key_of(touched)[0] == projection.key_of(event)


def test_projections_are_found_by_name() -> None:
    assert named(()) == PROJECTIONS
    assert named(("bookings",)) == (bookings.PROJECTION,)
    with pytest.raises(
        UnknownProjection, match="no projection 'seat'; there are: libraries, seats, bookings"
    ):
        named(("seat",))
