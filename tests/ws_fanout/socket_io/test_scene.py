"""What is known of libraries and of seats that are taken, from the events so far."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyspot.catalogue.codec import Metadata, Recorded
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCompleted,
    BookingCreated,
    BookingNoShow,
    BookingRescheduled,
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
    EPOCH,
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

HOUR = timedelta(hours=1)
SEATS = ("S1", "S2")
MOMENTS = [START + HOUR * half / 2 for half in range(-2, 14)]

Subject = TypeVar(
    "Subject", HoldPlaced, BookingCreated, BookingRescheduled, BookingCheckedIn, BookingCancelled
)


def scene_of(*events: Event, scene: Scene | None = None, time: datetime = START) -> Scene:
    scene = scene or Scene()
    for position, event in enumerate(events, start=1):
        metadata = Metadata(time=time, command_id=f"command-{position}")
        scene.apply(Recorded(position=position, epoch=EPOCH, event=event, metadata=metadata))
    return scene


def at_seat(event: Subject, seat: str, first: int, last: int) -> Subject:
    """The event for another seat, from one half of an hour to another."""
    start, until = START + HOUR * first / 2, START + HOUR * last / 2
    return replace(event, seat_id=seat, start=start, end=until, occupied_until=until)


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


intervals = st.tuples(st.integers(0, 10), st.integers(1, 4)).map(lambda pair: (pair[0], sum(pair)))
stories = st.lists(
    st.tuples(
        st.sampled_from(["hold", "book", "check in", "move", "free", "out of service", "in service"]),
        st.sampled_from(["B1", "B2", "B3"]),
        st.sampled_from(SEATS),
        intervals,
    ),
    max_size=25,
)


class Told:
    """Events as a story tells them, and for each occupation where it now is: the plain model of a scene."""

    def __init__(self, story: list[tuple[str, str, str, tuple[int, int]]]) -> None:
        self.events: list[Event] = []
        self.where: dict[str, tuple[str, int, int]] = {}
        self.out_of_service: set[str] = set()
        for step in story:
            self._tell(*step)

    def is_free(self, seat: str, at: datetime) -> bool:
        halves = (at - START) / (HOUR / 2)
        taken = [first <= halves < last for where, first, last in self.where.values() if where == seat]
        return seat not in self.out_of_service and not any(taken)

    def _tell(self, what: str, booking: str, seat: str, interval: tuple[int, int]) -> None:
        was = self.where.get(booking)
        if what == "out of service":
            self.out_of_service.add(seat)
            self.events.append(service_changed(seat=seat))
        elif what == "in service":
            self.out_of_service.discard(seat)
            self.events.append(service_changed(seat=seat, in_service=True))
        elif was is None:
            self._take(what, booking, (seat, *interval))
        elif what == "free":
            del self.where[booking]
            self.events.append(at_seat(cancelled(booking=booking), *was))
        elif what == "move":
            self._move(booking, was, (seat, *interval))
        else:
            # Whatever it was asked for, who has a place comes to it.
            self.events.append(at_seat(checked_in(booking=booking), *was))

    def _take(self, what: str, booking: str, where: tuple[str, int, int]) -> None:
        if what in ("hold", "book"):
            self.where[booking] = where
            until = START + 24 * HOUR
            made = (
                at_seat(booked(booking=booking), *where)
                if what == "book"
                else at_seat(HoldPlaced(**hold(booking=booking) | {"until": until}), *where)
            )
            self.events.append(made)

    def _move(self, booking: str, was: tuple[str, int, int], where: tuple[str, int, int]) -> None:
        self.where[booking] = where
        old = at_seat(booked(booking=booking), *was)
        moved = BookingRescheduled(
            **terms(booking=booking),
            previous_seat_id=old.seat_id,
            previous_start=old.start,
            previous_end=old.end,
            previous_occupied_until=old.occupied_until,
            previous_amount_minor=1,
        )
        self.events.append(at_seat(moved, *where))


@given(stories)
def test_whatever_happened_a_seat_is_free_when_no_occupation_of_it_is_now(
    story: list[tuple[str, str, str, tuple[int, int]]],
) -> None:
    told = Told(story)
    scene = scene_of(*told.events)

    for seat in SEATS:
        for at in MOMENTS:
            assert scene.is_free("L1", seat, at) == told.is_free(seat, at)


@given(stories, st.data())
def test_what_is_taken_in_again_in_order_changes_nothing(
    story: list[tuple[str, str, str, tuple[int, int]]], data: st.DataObject
) -> None:
    told = Told(story)
    again = told.events[data.draw(st.integers(0, len(told.events))) :]
    scene = scene_of(*told.events, *again)

    for seat in SEATS:
        for at in MOMENTS:
            assert scene.is_free("L1", seat, at) == told.is_free(seat, at)
