"""What events do to the seats of a library, and to what occupies them."""

from datetime import timedelta

import pytest

from studyspot.domain.events import Event, SeatRemoved, SeatUpdated
from studyspot.projections.models import seats
from studyspot.projections.projection import RemoveRow, SetColumns
from tests.projections.happenings import (
    HOUR,
    NINE,
    booked,
    booked_from,
    cancelled,
    checked_in,
    checked_out,
    completed,
    held,
    lapsed,
    missed,
    released,
    rescheduled,
    revoked,
    seat,
    service,
)
from tests.projections.models.taking import put, when

BOOKING = booked(buffer=HOUR / 4)
HOLD = held(until=NINE + HOUR / 12, buffer=HOUR / 4)


def test_a_hold_takes_its_seat_until_the_buffer_after_it_and_ends_by_the_clock() -> None:
    (taken,) = when(seats.PROJECTION, HOLD)
    assert put(taken) == {
        "occupation": "o-H1",
        "library_id": "L1",
        "seat_id": "S1",
        "state": "held",
        "starts_at": NINE,
        "ends_at": NINE + HOUR * 1.25,
        "until": NINE + HOUR / 12,
        "span_days": 1,
    }


def test_a_booking_takes_the_place_of_the_hold_that_it_was_made_from() -> None:
    (taken,) = when(seats.PROJECTION, HOLD)
    (kept,) = when(seats.PROJECTION, booked_from(HOLD))
    assert put(kept) == put(taken) | {"state": "booked", "until": None}


def test_a_rescheduled_booking_has_its_row_at_another_time_and_seat() -> None:
    (taken,) = when(seats.PROJECTION, BOOKING)
    (moved,) = when(seats.PROJECTION, rescheduled(BOOKING, seat_id="S2", start=NINE + 5 * HOUR))
    there = {"seat_id": "S2", "starts_at": NINE + 5 * HOUR, "ends_at": NINE + 6.25 * HOUR}
    assert put(moved) == put(taken) | there


def test_a_student_who_came_occupies_the_seat() -> None:
    (taken,) = when(seats.PROJECTION, BOOKING)
    (sat,) = when(seats.PROJECTION, checked_in(BOOKING))
    assert put(sat) == put(taken) | {"state": "occupied"}


@pytest.mark.parametrize(
    "event",
    [
        *(released(HOLD), lapsed(HOLD), cancelled(BOOKING), checked_out(BOOKING)),
        *(completed(BOOKING), missed(BOOKING), revoked(BOOKING)),
    ],
    ids=lambda event: type(event).__name__,
)
def test_every_ending_frees_the_seat(event: Event) -> None:
    occupation = "o-H1" if hasattr(event, "hold_id") else "o-B1"
    assert when(seats.PROJECTION, event) == (RemoveRow(seats.OCCUPATIONS, {"occupation": occupation}),)


@pytest.mark.parametrize(
    ("length", "buffer", "span"),
    [
        (timedelta(minutes=1), timedelta(), 1),
        (timedelta(days=1), timedelta(), 1),
        (timedelta(days=1), timedelta(seconds=1), 8),
        (timedelta(days=31), timedelta(days=1), 32),
        (timedelta(days=100), timedelta(), 128),
        (timedelta(days=100), timedelta(days=1), 128),
    ],
)
def test_an_occupation_is_kept_under_the_least_span_that_holds_it_and_its_buffer(
    length: timedelta, buffer: timedelta, span: int
) -> None:
    (taken,) = when(seats.PROJECTION, booked(hours=length / HOUR, buffer=buffer))
    assert put(taken)["span_days"] == span


def test_a_seat_is_there_from_its_adding_to_its_removal_in_service_until_it_is_taken_out() -> None:
    (added,) = when(seats.PROJECTION, seat("S3"), position=9)
    assert put(added) == {
        "seat_id": "S3",
        "library_id": "L1",
        "label": "S3",
        "zone": "quiet",
        "attributes": {},
        "in_service": True,
        "added_at": 9,
        "here_since": NINE,
    }
    key = {"seat_id": "S3"}
    out = SetColumns(seats.SEATS, key, {"in_service": False})
    assert when(seats.PROJECTION, service("S3", False)) == (out,)
    renamed = SeatUpdated(
        library_id="L1", seat_id="S3", label="Window", zone="ac", attributes={"power": True}
    )
    called = {"label": "Window", "zone": "ac", "attributes": {"power": True}}
    assert when(seats.PROJECTION, renamed) == (SetColumns(seats.SEATS, key, called),)
    gone = SeatRemoved(library_id="L1", seat_id="S3", revoke_at=NINE)
    assert when(seats.PROJECTION, gone) == (RemoveRow(seats.SEATS, key),)
