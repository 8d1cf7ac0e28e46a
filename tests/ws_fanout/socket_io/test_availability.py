"""Who is told when that a seat is free, or no more."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from studyspot.domain.events import (
    BookingCompleted,
    BookingNoShow,
    BookingRescheduled,
    Event,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    SeatRemoved,
)
from studyspot.ws_fanout.socket_io.scene import Scene
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
    paid,
    revoked,
    seat_added,
    seat_updated,
    service_changed,
    terms,
)
from tests.ws_fanout.socket_io.stage import Packets, Stage

USER, LIBRARY, STAFF, OWNERS = "user:s1", "library:L1", "library:L1:staff", "role:library_owner"
BEFORE, DURING = START - timedelta(minutes=10), START + timedelta(minutes=40)
AFTER = OCCUPIED_UNTIL + timedelta(seconds=5)
LONG_AFTER = START + timedelta(days=3)
MINUTE = timedelta(minutes=1)

completed = BookingCompleted(**facts())
no_show = BookingNoShow(**facts(), missed_at=START + timedelta(minutes=30))


def held(**others: Any) -> dict[str, Any]:
    """The facts of a hold that lasts beyond all of these moments."""
    return hold() | {"until": LONG_AFTER} | others


def moved(**others: Any) -> BookingRescheduled:
    """The booking of these tests, at the seat and time to which it was moved, from where it was."""
    before = {
        "previous_seat_id": "S17",
        "previous_start": START,
        "previous_end": END,
        "previous_occupied_until": OCCUPIED_UNTIL,
        "previous_amount_minor": 10000,
    }
    return BookingRescheduled(**terms() | before | others)


def later(by: timedelta) -> dict[str, Any]:
    return {"start": START + by, "end": END + by, "occupied_until": OCCUPIED_UNTIL + by}


def seats(told: Packets) -> list[tuple[str, bool]]:
    """Return which seats were told of, and whether they are available."""
    of_seats = [payload for name, payload in told if name == "seat:availability"]
    return [(payload["seatId"], payload["available"]) for payload in of_seats]


TAKEN, FREE, NOTHING = [("S17", False)], [("S17", True)], list[tuple[str, bool]]()


@pytest.mark.parametrize(
    ("before", "event", "at", "expected"),
    [
        ([], booked(), START, TAKEN),
        ([], booked(), DURING, TAKEN),
        ([], booked(), BEFORE, NOTHING),
        ([booked()], cancelled(), DURING, FREE),
        ([booked()], cancelled(), BEFORE, NOTHING),
        ([booked()], checked_in(), DURING, TAKEN),
        ([booked()], checked_in(), BEFORE, NOTHING),
        ([booked(), checked_in()], checked_out(), DURING, FREE),
        # In the buffer after its end the seat is still taken.
        ([booked()], checked_in(), END + MINUTE, TAKEN),
        ([booked(), checked_in()], completed, AFTER, FREE),
        ([booked()], no_show, DURING, FREE),
        ([booked()], revoked(), DURING, FREE),
        ([booked()], revoked(), BEFORE, NOTHING),
        ([], HoldPlaced(**held()), DURING, TAKEN),
        ([], HoldPlaced(**held()), BEFORE, NOTHING),
        ([HoldPlaced(**held())], booked(), DURING, TAKEN),
        ([HoldPlaced(**held())], HoldReleased(**held()), DURING, FREE),
        ([HoldPlaced(**held())], HoldReleased(**held()), BEFORE, NOTHING),
        ([HoldPlaced(**held())], HoldLapsed(**held()), DURING, FREE),
        ([], service_changed(), BEFORE, TAKEN),
        ([service_changed()], service_changed(in_service=True), BEFORE, FREE),
        # No seat becomes free or taken by these.
        ([booked()], paid(), DURING, NOTHING),
        ([], seat_added(), DURING, NOTHING),
        ([], seat_updated(), DURING, NOTHING),
    ],
)
@pytest.mark.parametrize("room", [LIBRARY, STAFF])
def test_a_library_is_told_of_a_seat_by_what_changes_it_now(
    before: list[Event], event: Event, at: Any, expected: list[tuple[str, bool]], room: str
) -> None:
    assert seats(Stage(*before).tell(event, room, at=at)) == expected


@pytest.mark.parametrize(
    ("before", "event", "at", "expected"),
    [
        # Another's time has begun where that of the first is over, or could have begun.
        ([booked(), replace(booked(booking="B8"), **later(timedelta(hours=2.5)))], completed, AFTER, FREE),
        (
            [booked(), replace(booked(booking="B8"), **later(OCCUPIED_UNTIL - START))],
            *(completed, AFTER, TAKEN),
        ),
        ([booked(), HoldPlaced(**held(occupation="another"))], cancelled(), DURING, TAKEN),
        # A hold that has ended by itself keeps nobody from the seat.
        (
            [booked(), HoldPlaced(**held(occupation="another", until=START))],
            *(cancelled(), DURING, FREE),
        ),
        # Who comes back finds somebody there, and who leaves leaves a broken seat.
        ([service_changed(), booked()], service_changed(in_service=True), DURING, TAKEN),
        ([service_changed(), booked()], service_changed(in_service=True), BEFORE, FREE),
        ([booked(), service_changed()], revoked(), DURING, TAKEN),
        (
            [booked(), service_changed(), SeatRemoved(library_id="L1", seat_id="S17", revoke_at=END)],
            *(revoked(), DURING, TAKEN),
        ),
        ([service_changed(seat="S18"), service_changed("L2"), booked()], cancelled(), DURING, FREE),
        ([booked(), booked("L2", booking="B9")], cancelled(), DURING, FREE),
    ],
)
def test_available_means_free_now_whatever_the_event_did(
    before: list[Event], event: Event, at: Any, expected: list[tuple[str, bool]]
) -> None:
    assert seats(Stage(*before).tell(event, LIBRARY, at=at)) == expected


@pytest.mark.parametrize(
    ("event", "at", "expected"),
    [
        (moved(seat_id="S18"), DURING, [("S17", True), ("S18", False)]),
        (moved(seat_id="S18"), BEFORE, NOTHING),
        (moved(seat_id="S18", **later(timedelta(days=1))), DURING, [("S17", True)]),
        (moved(**later(timedelta(days=1))), DURING, FREE),
        (moved(**later(timedelta(minutes=30))), DURING, TAKEN),
        (moved(**later(-timedelta(minutes=30))), BEFORE, TAKEN),
        (moved(seat_id="S18", **later(-timedelta(minutes=30))), BEFORE, [("S18", False)]),
    ],
)
def test_a_booking_that_is_moved_frees_its_old_time_and_seat_and_takes_the_new(
    event: Event, at: Any, expected: list[tuple[str, bool]]
) -> None:
    assert seats(Stage(booked()).tell(event, LIBRARY, at=at)) == expected


@pytest.mark.parametrize(
    ("rooms", "names"),
    [
        ([USER], ["booking:created"]),
        ([USER, LIBRARY], ["seat:availability", "booking:created"]),
        ([LIBRARY], ["seat:availability"]),
        ([STAFF], ["seat:availability", "booking:created"]),
        ([STAFF, LIBRARY, OWNERS], ["seat:availability", "booking:created"]),
        ([OWNERS], ["booking:created"]),
        ([OWNERS, LIBRARY], ["seat:availability", "booking:created"]),
        (["library:L2", "library:L2:staff", "user:s2"], []),
    ],
)
def test_seats_are_told_to_the_librarys_rooms_alone_and_before_the_booking(
    rooms: list[str], names: list[str]
) -> None:
    assert [name for name, _ in Stage().tell(booked(), *rooms, at=DURING)] == names


def test_the_payload_says_of_which_moment_it_is_true() -> None:
    at = DURING + timedelta(microseconds=123456)
    told = Stage().tell(booked(), LIBRARY, at=at, written_at=START)

    expected = {
        "libraryId": "L1",
        "seatId": "S17",
        "available": False,
        "timestamp": "2026-12-01T09:40:00.123Z",
    }
    assert told == [("seat:availability", expected)]


def test_a_seat_taken_at_once_is_told_where_the_clock_here_is_behind() -> None:
    told = Stage().tell(booked(), LIBRARY, at=START - timedelta(seconds=2), written_at=START)

    assert seats(told) == TAKEN


def test_what_is_told_again_later_says_what_is_true_then() -> None:
    stage = Stage()
    taken, freed = stage.happen(booked()), stage.happen(cancelled(), time=DURING)

    # The first would have been told as taken; by now it is free, and remains so.
    assert seats(stage.told(taken, LIBRARY, at=DURING)) == FREE
    assert seats(stage.told(taken, LIBRARY, at=LONG_AFTER)) == NOTHING
    assert seats(stage.told(freed, LIBRARY, at=LONG_AFTER)) == FREE


def test_what_a_node_did_not_see_taken_is_taken_until_it_is_told_that_it_was_freed() -> None:
    stage = Stage()
    taken, freed = stage.happen(booked()), stage.happen(cancelled())
    later_scene = Scene(seats_taken_after=1)

    assert seats(stage.told(taken, LIBRARY, at=DURING, scene=later_scene)) == TAKEN
    assert seats(stage.told(freed, LIBRARY, at=DURING, scene=later_scene)) == FREE
