"""Given an event, when a projection takes it, then these rows change: nothing else decides."""

from dataclasses import fields
from datetime import time
from typing import Any

import pytest
from hypothesis import given, settings

from studyspot.domain.events import (
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    LibraryDeleted,
    LibraryHoursSet,
    LibraryRulesSet,
    LibraryUpdated,
    Plan,
    PricingUpdated,
)
from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.rules import BookingRules
from studyspot.projections.models import bookings, libraries, notifications
from studyspot.projections.models.registry import PROJECTIONS, UnknownProjection, named
from studyspot.projections.projection import PutRow, RemoveRow, SetColumns
from tests.catalogue.examples import EVENTS
from tests.projections.happenings import NINE, notice, opened
from tests.projections.models.taking import put, when


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
    closing = ClosureAnnounced(library_id="L1", closure_id="C1", start=NINE, revoke_at=NINE)
    closed, touched = when(libraries.PROJECTION, closing, 5)
    assert put(closed) == {
        "library_id": "L1",
        "closure_id": "C1",
        "starts_at": NINE,
        "ends_at": None,
        "revoke_at": NINE,
    }
    assert touched == SetColumns(libraries.LIBRARIES, key, {"position": 5})
    reopened, _ = when(libraries.PROJECTION, ClosureWithdrawn(library_id="L1", closure_id="C1"))
    assert reopened == RemoveRow(libraries.CLOSURES, {"library_id": "L1", "closure_id": "C1"})
    (retired,) = when(libraries.PROJECTION, LibraryDeleted(library_id="L1"))
    assert isinstance(retired, SetColumns)
    assert retired.values["retired"] is True


def test_a_library_is_always_open_and_has_the_default_rules_until_it_says_otherwise() -> None:
    (created,) = when(libraries.PROJECTION, opened())
    assert put(created)["hours"] is None
    rules = put(created)["rules"]
    assert (rules["holdMinutes"], rules["checkInOpensMinutes"], rules["liveBookings"]) == (5, -15, None)
    assert len(rules) == len(fields(BookingRules))
    hours = (OpenHours(day="friday", opens=time(8), closes=time(2, 30)),)
    (told,) = when(libraries.PROJECTION, LibraryHoursSet(library_id="L1", hours=hours))
    assert isinstance(told, SetColumns)
    assert told.values["hours"] == [{"day": "friday", "opens": "08:00:00", "closes": "02:30:00"}]
    (always,) = when(libraries.PROJECTION, LibraryHoursSet(library_id="L1", hours=None))
    assert isinstance(always, SetColumns)
    assert always.values["hours"] is None
    changed = LibraryRulesSet(library_id="L1", rules=BookingRules(live_bookings=3, release_time=time(18)))
    (ruled,) = when(libraries.PROJECTION, changed, position=8)
    assert isinstance(ruled, SetColumns)
    assert ruled.values["rules"] == rules | {"liveBookings": 3, "releaseTime": "18:00:00"}
    assert ruled.values["position"] == 8


def test_what_a_person_was_told_is_kept_with_its_place_in_the_log() -> None:
    (told,) = when(notifications.PROJECTION, notice("N1", "anna", seatLabel="A1"), position=9)
    assert put(told) == {
        "notification_id": "N1",
        "user_id": "anna",
        "library_id": "L1",
        "kind": "booking-revoked",
        "parameters": {"seatLabel": "A1"},
        "text_id": None,
        "sent_at": NINE,
        "read_at": None,
        "position": 9,
    }


@settings(max_examples=200, deadline=None)
@given(event=EVENTS)
def test_a_projection_takes_exactly_the_events_that_change_its_rows(event: Event) -> None:
    for projection in PROJECTIONS:
        takes = type(event) in projection.event_classes
        # Some of what people do for themselves is not kept.
        changes = when(projection, event, actor="somebody else")
        assert bool(changes) is takes
        for change in changes:
            touched = change.row if isinstance(change, PutRow) else change.key
            assert change.table.key_of(touched)[0] == projection.key_of(event)


def test_projections_are_found_by_name() -> None:
    assert named(()) == PROJECTIONS
    assert named(("bookings",)) == (bookings.PROJECTION,)
    with pytest.raises(
        UnknownProjection, match="no projection 'seat'; there are: libraries, seats, bookings, notifications"
    ):
        named(("seat",))
