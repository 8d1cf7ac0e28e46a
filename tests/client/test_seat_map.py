"""A seat map folded from frames equals the read model at the same position, in whatever order they come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyspot.client.items import Event
from studyspot.client.seat_map import SeatMapFold
from studyspot.wire.read_bodies import OccupationView, SeatMap, SeatView
from tests.client.seat_days import STEPS, SeatDays, Step
from tests.client.seat_maps import PUBLIC, frames, read_map

DAY = datetime(2026, 12, 1, tzinfo=UTC)
START, END = DAY + timedelta(hours=9), DAY + timedelta(hours=18)
SEATS = ("S1", "S2", "S3")


def at(hour: int) -> datetime:
    return DAY + timedelta(hours=hour)


def event(position: int, event_type: str, data: dict[str, Any], room: str = "library:L1") -> Event:
    return Event(
        name="seat:availability",
        position=position,
        rooms=(room,),
        id=f"k3-{position}",
        type=f"studyspot.{event_type}.v1",
        time=DAY,
        data=data,
    )


def occupied(position: int, seat: str, occupation: str, state: str, hours: tuple[int, int]) -> Event:
    start, end = (at(hour).isoformat() for hour in hours)
    data = {"seatId": seat, "occupation": occupation, "state": state, "start": start, "end": end}
    return event(position, "booking.created", data)


def service(position: int, seat: str, *, in_service: bool) -> Event:
    state = "free" if in_service else "out-of-service"
    data = {"seatId": seat, "occupation": None, "state": state, "start": None, "end": None}
    return event(position, "seat.availability-changed", data)


def snapshot(position: int = 0, *seats: SeatView) -> SeatMap:
    shown = seats or tuple(seat(name) for name in SEATS)
    return SeatMap(
        position=position, epoch="k3", server_now=DAY, library_id="L1", start=START, end=END, seats=shown
    )


def seat(name: str, status: Any = "free", *occupations: OccupationView) -> SeatView:
    return SeatView(
        id=name, label=name, zone="general", attributes={}, status=status, occupations=occupations
    )


def fold_of(start: SeatMap) -> SeatMapFold:
    return SeatMapFold("L1", START, END, start)


def status_of(fold: SeatMapFold, seat_id: str) -> str:
    return fold.seat_map.seats[seat_id].status


def test_a_booking_takes_its_seat_and_its_end_frees_it() -> None:
    fold = fold_of(snapshot())
    assert fold.apply(occupied(1, "S1", "o1", "booked", (9, 10)))
    assert status_of(fold, "S1") == "booked"
    assert fold.seat_map.seats["S1"].occupations[0].end == at(10)
    fold.apply(occupied(2, "S1", "o1", "occupied", (9, 10)))
    assert status_of(fold, "S1") == "occupied"
    fold.apply(occupied(3, "S1", "o1", "free", (9, 10)))
    assert fold.seat_map.seats["S1"] == seat("S1")
    assert fold.seat_map.position == 3


def test_what_is_in_the_snapshot_already_is_not_folded_again() -> None:
    booked = OccupationView(id="o1", state="booked", start=at(9), end=at(10))
    fold = fold_of(snapshot(10, seat("S1", "booked", booked)))
    assert not fold.apply(occupied(9, "S1", "o1", "free", (9, 10)))
    assert status_of(fold, "S1") == "booked"
    assert fold.apply(occupied(11, "S1", "o1", "free", (9, 10)))
    assert status_of(fold, "S1") == "free"


def test_what_is_outside_the_maps_time_does_not_show() -> None:
    fold = fold_of(snapshot())
    fold.apply(occupied(1, "S1", "o1", "booked", (7, 9)))
    fold.apply(occupied(2, "S1", "o2", "booked", (18, 20)))
    assert status_of(fold, "S1") == "free"
    fold.apply(occupied(3, "S1", "o2", "booked", (17, 20)))
    assert status_of(fold, "S1") == "booked"


def test_a_moved_occupation_leaves_its_old_seat() -> None:
    fold = fold_of(snapshot())
    fold.apply(occupied(1, "S1", "o1", "booked", (9, 10)))
    fold.apply(occupied(2, "S2", "o1", "booked", (11, 12)))
    assert status_of(fold, "S1") == "free"
    assert fold.seat_map.seats["S2"].occupations[0].start == at(11)


def test_a_seat_out_of_service_shows_so_whatever_is_booked() -> None:
    fold = fold_of(snapshot())
    fold.apply(occupied(1, "S1", "o1", "booked", (9, 10)))
    fold.apply(service(2, "S1", in_service=False))
    assert status_of(fold, "S1") == "out-of-service"
    assert len(fold.seat_map.seats["S1"].occupations) == 1
    fold.apply(service(3, "S1", in_service=True))
    assert status_of(fold, "S1") == "booked"


def test_a_new_seat_appears() -> None:
    fold = fold_of(snapshot())
    data = {"libraryId": "L1", "seatId": "S9", "label": "Z9", "zone": "quiet", "attributes": {"lamp": True}}
    fold.apply(event(1, "seat.added", data))
    added = fold.seat_map.seats["S9"]
    assert (added.label, added.zone, added.status) == ("Z9", "quiet", "free")
    assert added.attributes == {"lamp": True}


def test_a_seat_is_described_anew_and_taken_away() -> None:
    fold = fold_of(snapshot())
    fold.apply(occupied(1, "S1", "o1", "booked", (9, 10)))
    called = {"libraryId": "L1", "seatId": "S1", "label": "By the window", "zone": "quiet", "attributes": {}}
    assert fold.apply(event(2, "seat.updated", called))
    changed = fold.seat_map.seats["S1"]
    assert (changed.label, changed.status, len(changed.occupations)) == ("By the window", "booked", 1)
    assert fold.apply(event(3, "seat.removed", {"libraryId": "L1", "seatId": "S1"}))
    assert set(fold.seat_map.seats) == {"S2", "S3"}


def test_a_hold_is_over_at_its_time_though_nobody_said_so() -> None:
    fold = fold_of(snapshot())
    held = occupied(1, "S1", "o1", "held", (9, 10))
    fold.apply(replace(held, data={**held.data, "until": at(8).isoformat()}))
    fold.apply(service(2, "S2", in_service=False))
    assert status_of(fold, "S1") == "held"
    assert fold.seat_map.at(at(8) - timedelta(seconds=1)) == fold.seat_map
    over = fold.seat_map.at(at(8))
    assert (over.position, over.seats["S1"]) == (2, seat("S1"))
    assert over.seats["S2"].status == "out-of-service"


def test_a_booking_takes_the_place_of_its_hold() -> None:
    fold = fold_of(snapshot())
    held = occupied(1, "S1", "o1", "held", (9, 10))
    fold.apply(replace(held, data={**held.data, "until": at(8).isoformat()}))
    fold.apply(occupied(2, "S1", "o1", "booked", (9, 10)))
    assert fold.seat_map.at(at(9)).seats["S1"] == seat(
        "S1", "booked", OccupationView(id="o1", state="booked", start=at(9), end=at(10))
    )


def test_a_party_is_told_its_own_end_and_the_map_shows_the_buffer_after_it() -> None:
    fold = fold_of(snapshot())
    public = occupied(1, "S1", "o1", "booked", (7, 8))
    party = {**public.data, "libraryId": "L1", "occupiedUntil": at(10).isoformat()}
    assert fold.apply(replace(public, rooms=("user:s1",), data=party))
    assert fold.seat_map.seats["S1"].occupations[0].end == at(10)


def test_a_payment_changes_no_seat() -> None:
    fold = fold_of(snapshot())
    fold.apply(occupied(1, "S1", "o1", "booked", (9, 10)))
    paid = {"libraryId": "L1", "seatId": "S1", "occupation": "o1", "paidMinor": 100}
    assert not fold.apply(event(2, "payment.recorded", paid, room="user:s1"))
    assert status_of(fold, "S1") == "booked"


def test_other_libraries_are_left_out() -> None:
    fold = fold_of(snapshot())
    foreign = {"seatId": "S1", "occupation": "o1", "state": "booked", "start": "2026-12-01T09:00:00Z"}
    assert not fold.apply(event(1, "booking.created", foreign, room="library:L2"))
    assert not fold.apply(event(2, "booking.created", {**foreign, "libraryId": "L2"}, room="user:s1"))
    assert not fold.apply(event(3, "booking.created", {"libraryId": "L1"}, room="role:library_owner"))
    assert fold.seat_map.position == 0
    own = {**foreign, "libraryId": "L1", "end": "2026-12-01T10:00:00Z"}
    assert fold.apply(event(4, "booking.created", own, room="user:s1"))


occupations = st.builds(
    lambda seat, occupation, state, start, length: (seat, occupation, state, (start, start + length)),
    st.sampled_from(SEATS),
    st.sampled_from(["o1", "o2", "o3", "o4"]),
    st.sampled_from(["held", "booked", "occupied", "free"]),
    st.integers(6, 18),
    st.integers(1, 4),
)
services = st.tuples(st.sampled_from(SEATS), st.booleans())


def log_of(happened: list[Any]) -> list[Event]:
    return [
        service(position, one[0], in_service=one[1]) if len(one) == 2 else occupied(position, *one)
        for position, one in enumerate(happened, start=1)
    ]


@settings(deadline=None)
@given(st.lists(occupations | services, max_size=30), st.randoms(use_true_random=False), st.data())
def test_any_order_and_any_repetition_fold_to_the_same_map(
    happened: list[Any], chance: Any, data: st.DataObject
) -> None:
    log = log_of(happened)
    in_order = fold_of(snapshot())
    for one in log:
        in_order.apply(one)
    again = [*log, *data.draw(st.lists(st.sampled_from(log), max_size=10) if log else st.just([]))]
    chance.shuffle(again)
    shuffled = fold_of(snapshot())
    for one in again:
        shuffled.apply(one)
    assert shuffled.seat_map == in_order.seat_map


@settings(deadline=None)
@given(st.lists(occupations | services, max_size=30), st.data())
def test_a_snapshot_and_what_follows_equal_the_whole(happened: list[Any], data: st.DataObject) -> None:
    log = log_of(happened)
    cut = data.draw(st.integers(0, len(log)))
    whole, before = fold_of(snapshot()), fold_of(snapshot())
    for one in log:
        whole.apply(one)
    for one in log[:cut]:
        before.apply(one)
    after = fold_of(snapshot(cut, *before.seat_map.seats.values()))
    # The socket brings some of what the snapshot has as well.
    for one in log[data.draw(st.integers(0, cut)) :]:
        after.apply(one)
    assert after.seat_map.seats == whole.seat_map.seats


hours = st.integers(0, 24).map(at)
rooms = st.sampled_from(
    [PUBLIC, PUBLIC | {"library:L1:staff"}, PUBLIC | {"user:student-of-o0", "user:student-of-o1"}]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, rooms, st.tuples(hours, hours), st.data())
def test_frames_on_any_snapshot_equal_the_read_model(
    steps: list[Step], own: frozenset[str], clock: tuple[datetime, datetime], data: st.DataObject
) -> None:
    """Whatever happens, and wherever the snapshot is taken, at every position after it."""
    log = SeatDays(steps).events
    cut = data.draw(st.integers(0, len(log)), label="the snapshot's position")
    read_at, now = sorted(clock)
    fold = fold_of(read_map(log[:cut], START, END, read_at))
    # Some of what the snapshot has comes again.
    again = data.draw(st.integers(0, cut), label="after which the socket is told")
    told = {one.position: one for one in frames(log, own, after=again)}
    for position in range(again + 1, len(log) + 1):
        if position in told:
            fold.apply(told[position])
        if position >= cut:
            expected = read_map(log[:position], START, END, now)
            assert fold.seat_map.at(now).seats == {seat.id: seat for seat in expected.seats}
