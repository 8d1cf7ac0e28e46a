"""What is known of libraries and of seats that are taken, from the events so far."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from studyspot.domain.events import (
    BookingCompleted,
    BookingCreated,
    BookingNoShow,
    Event,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    LibraryDeleted,
    SeatRemoved,
)
from studyspot.ws_fanout.socket_io.scene import LibraryFacts, Scene
from tests.ws_fanout.events import (
    END,
    OCCUPIED_UNTIL,
    START,
    booked,
    cancelled,
    checked_in,
    checked_out,
    facts,
    hold,
    library_created,
    library_updated,
    one_of_each,
    revoked,
    service_changed,
    terms,
)
from tests.ws_fanout.socket_io.scenes import HOUR, scene_of


def test_a_library_is_known_by_its_name_and_clock_and_stays_so_when_it_is_retired() -> None:
    scene = scene_of(library_created())
    assert scene.library("L1") == LibraryFacts("Quiet Place", ZoneInfo("Asia/Kolkata"))
    assert scene.library("L2") is None

    scene_of(replace(library_updated(), time_zone="Europe/London"), scene=scene)
    assert scene.library("L1") == LibraryFacts("Quieter Place", ZoneInfo("Europe/London"))

    scene_of(LibraryDeleted(library_id="L1"), scene=scene)
    assert scene.library("L1") == LibraryFacts("Quieter Place", ZoneInfo("Europe/London"))


@pytest.mark.parametrize("zone", ["Mars/Olympus_Mons", "../../etc/passwd", "Europe", ""])
def test_where_a_clock_is_not_known_here_that_of_utc_serves(zone: str) -> None:
    scene = scene_of(replace(library_created(), time_zone=zone))

    assert scene.library("L1") == LibraryFacts("Quiet Place", UTC)


@pytest.mark.parametrize(
    ("at", "free"),
    [
        (START - timedelta(seconds=1), True),
        (START, False),
        (END, False),
        (OCCUPIED_UNTIL - timedelta(seconds=1), False),
        (OCCUPIED_UNTIL, True),
    ],
)
def test_a_seat_is_taken_from_the_start_until_the_buffer_after_the_end_is_over(
    at: datetime, *, free: bool
) -> None:
    scene = scene_of(booked())

    assert scene.is_free("L1", "S17", at) is free
    assert scene.is_free("L1", "S18", at)
    assert scene.is_free("L2", "S17", at)


def test_a_hold_ends_by_itself_and_the_booking_made_from_it_does_not() -> None:
    until = START + timedelta(minutes=5)
    scene = scene_of(HoldPlaced(**hold() | {"until": until}))
    assert not scene.is_free("L1", "S17", START)
    assert scene.is_free("L1", "S17", until)

    scene_of(booked(), scene=scene)
    assert not scene.is_free("L1", "S17", until)


@pytest.mark.parametrize(
    "end",
    [
        cancelled(),
        checked_out(),
        revoked(),
        BookingCompleted(**facts()),
        BookingNoShow(**facts(), missed_at=START),
        HoldReleased(**hold()),
        HoldLapsed(**hold()),
    ],
    ids=lambda end: type(end).__name__,
)
def test_whatever_ends_an_occupation_frees_its_seat(end: Event) -> None:
    assert scene_of(booked(), end).is_free("L1", "S17", START)


def test_a_seat_is_out_of_service_until_it_is_back() -> None:
    scene = scene_of(service_changed())
    assert not scene.is_free("L1", "S17", START)

    scene_of(service_changed(in_service=True), scene=scene)
    assert scene.is_free("L1", "S17", START)


def test_a_seat_that_is_no_more_is_never_free() -> None:
    removed = SeatRemoved(library_id="L1", seat_id="S17", revoke_at=END)

    assert not scene_of(removed).is_free("L1", "S17", START)


def test_who_comes_to_a_booking_from_before_has_the_seat() -> None:
    assert not scene_of(checked_in()).is_free("L1", "S17", START)


def test_every_event_of_the_vocabulary_is_taken_in() -> None:
    scene_of(*one_of_each())


def test_what_is_over_is_forgotten_though_nobody_says_so() -> None:
    def series(days: int) -> Scene:
        scene = Scene()
        for day in range(days):
            start = START + timedelta(days=day)
            event = replace(
                booked(booking=f"B{day}"), start=start, end=start + HOUR, occupied_until=start + HOUR
            )
            scene_of(event, scene=scene, time=start)
        return scene

    assert len(pickle.dumps(series(2000))) < 2 * len(pickle.dumps(series(60)))


def test_what_is_to_come_is_not_forgotten_however_much_it_is() -> None:
    starts = [START + timedelta(days=day) for day in range(100)]
    scene = Scene()
    for day, start in enumerate(starts):
        interval = {"start": start, "end": start + HOUR, "occupied_until": start + HOUR}
        scene_of(BookingCreated(**terms(booking=f"B{day}") | interval), scene=scene)

    assert not any(scene.is_free("L1", "S17", start) for start in starts)
