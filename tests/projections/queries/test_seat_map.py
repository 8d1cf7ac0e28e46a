"""The seat map: every seat during some time, exactly as of its position."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyspot.domain.events import BookingTerms, Event, HoldPlaced, SeatRemoved, SeatUpdated
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
    opened,
    released,
    rescheduled,
    revoked,
    seat,
    service,
)
from tests.projections.queries.asking import ask_map, assert_problem, text
from tests.projections.system import Log


async def test_a_map_has_the_shape_of_the_contract(log: Log, reads: httpx.AsyncClient) -> None:
    position = await log.append(opened(), seat("S1"), seat("S2"), booked("B1", "S2"))
    answer = await ask_map(reads, position)
    assert datetime.fromisoformat(answer.pop("serverNow")).tzinfo
    assert answer == {
        "position": position,
        "epoch": log.store.head().epoch,
        "libraryId": "L1",
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T10:00:00Z",
        "seats": [
            {
                "id": "S1",
                "label": "S1",
                "zone": "quiet",
                "attributes": {},
                "status": "free",
                "occupations": [],
            },
            {
                "id": "S2",
                "label": "S2",
                "zone": "quiet",
                "attributes": {},
                "status": "booked",
                "occupations": [
                    {
                        "id": "o-B1",
                        "state": "booked",
                        "start": "2026-12-01T09:00:00Z",
                        "end": "2026-12-01T10:00:00Z",
                    }
                ],
            },
        ],
    }


async def test_a_hold_is_over_by_the_clock_whether_or_not_anybody_noticed(
    log: Log, reads: httpx.AsyncClient
) -> None:
    now = datetime.now(UTC)
    over, still = held("H1", "S1", until=now - HOUR / 3600), held("H2", "S2", until=now + HOUR)
    position = await log.append(opened(), seat("S1"), seat("S2"), over, still)
    first, second = (await ask_map(reads, position))["seats"]
    assert (first["status"], first["occupations"]) == ("free", [])
    assert second["status"] == "held"
    assert second["occupations"][0]["until"] == text(now + HOUR)


async def test_a_seat_is_taken_until_the_buffer_after_a_booking_is_over(
    log: Log, reads: httpx.AsyncClient
) -> None:
    position = await log.append(opened(), seat("S1"), booked("B1", buffer=HOUR / 4))
    during = (await ask_map(reads, position, NINE + HOUR, NINE + HOUR * 2))["seats"][0]
    assert (during["status"], during["occupations"][0]["end"]) == ("booked", text(NINE + HOUR * 1.25))
    after = (await ask_map(reads, position, NINE + HOUR * 1.25, NINE + HOUR * 2))["seats"][0]
    assert after["status"] == "free"


async def test_a_seat_that_was_removed_is_gone_from_the_map(log: Log, reads: httpx.AsyncClient) -> None:
    renamed = SeatUpdated(library_id="L1", seat_id="S2", label="Window", zone="ac")
    gone = SeatRemoved(library_id="L1", seat_id="S1", revoke_at=NINE)
    position = await log.append(opened(), seat("S1"), seat("S2"), booked("B1"), renamed, gone)
    shown = (await ask_map(reads, position))["seats"]
    assert [(one["id"], one["label"], one["zone"]) for one in shown] == [("S2", "Window", "ac")]


async def test_a_library_without_seats_has_an_empty_map(log: Log, reads: httpx.AsyncClient) -> None:
    position = await log.append(opened())
    assert (await ask_map(reads, position))["seats"] == []


async def test_an_unknown_library_has_no_map(log: Log, reads: httpx.AsyncClient) -> None:
    position = await log.append(opened())
    await ask_map(reads, position)
    interval = {"start": text(NINE), "end": text(NINE + HOUR)}
    assert_problem(await reads.get("/api/libraries/L2/seats", params=interval), 404, "library-unknown")


async def test_a_time_that_is_none_is_a_typed_refusal(log: Log, reads: httpx.AsyncClient) -> None:
    await ask_map(reads, await log.append(opened()))
    path, nine, ten = "/api/libraries/L1/seats", text(NINE), text(NINE + HOUR)
    assert_problem(await reads.get(path), 422, "invalid-request")
    assert_problem(await reads.get(path, params={"start": nine}), 422, "invalid-request")
    for start in ("nine", "2026-12-01T09:00:00", "2026-12-01", "99999-01-01T00:00:00Z"):
        assert_problem(await reads.get(path, params={"start": start, "end": ten}), 422, "invalid-request")
    assert_problem(await reads.get(path, params={"start": ten, "end": nine}), 422, "end-not-after-start")
    assert_problem(await reads.get(path, params={"start": nine, "end": nine}), 422, "end-not-after-start")
    far = text(NINE + timedelta(days=101))
    assert_problem(await reads.get(path, params={"start": nine, "end": far}), 422, "invalid-request")


@pytest.mark.parametrize("hours", [1, 24, 25, 8 * 24, 31 * 24, 100 * 24])
async def test_a_booking_of_any_length_takes_its_seat_until_its_last_moment(
    log: Log, reads: httpx.AsyncClient, hours: int
) -> None:
    end = NINE + hours * HOUR
    position = await log.append(opened(), seat("S1"), booked("B1", hours=hours))
    for instant, status in (
        (NINE, "booked"),
        (end - HOUR / 60, "booked"),
        (end, "free"),
        (NINE - HOUR, "free"),
    ):
        answer = await ask_map(reads, position, instant, instant + HOUR / 60)
        assert answer["seats"][0]["status"] == status


async def test_the_ends_of_time_are_answered(log: Log, reads: httpx.AsyncClient) -> None:
    await ask_map(reads, await log.append(opened(), seat("S1"), booked("B1")))
    for start, end in (
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:01Z"),
        ("9999-12-31T23:59:58Z", "9999-12-31T23:59:59.999999Z"),
    ):
        answer = await reads.get("/api/libraries/L1/seats", params={"start": start, "end": end})
        assert answer.status_code == 200, answer.text
        assert answer.json()["seats"][0]["status"] == "free"
    beyond = {"start": "0001-01-01T00:00:00+23:59", "end": "0001-01-01T00:00:01Z"}
    assert_problem(await reads.get("/api/libraries/L1/seats", params=beyond), 422, "invalid-request")


@dataclass
class Modelled:
    """What the map should say: the simplest fold of the events that can be."""

    in_service: dict[str, bool] = field(default_factory=dict)
    holds: dict[str, HoldPlaced] = field(default_factory=dict)
    bookings: dict[str, tuple[BookingTerms, str]] = field(default_factory=dict)

    def statuses(self, start: datetime, end: datetime) -> dict[str, str]:
        return {seat_id: self._status(seat_id, start, end) for seat_id in self.in_service}

    def _status(self, seat_id: str, start: datetime, end: datetime) -> str:
        if not self.in_service[seat_id]:
            return "out-of-service"
        taking = [*((hold, "held") for hold in self.holds.values()), *self.bookings.values()]
        states = {
            state
            for taken, state in taking
            if taken.seat_id == seat_id and taken.start < end and start < taken.occupied_until
        }
        return next((state for state in ("occupied", "booked", "held") if state in states), "free")


Steps = list[tuple[str, int, int, int]]
steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("seat", "service", "remove", "hold", "lapse", "release", "book-held"),
                *("book", "book", "move", "cancel", "in", "out", "complete", "miss", "revoke"),
            ]
        ),
        st.integers(0, 3),  # which seat, or which hold or booking
        st.integers(
            0, 60 * 24
        ),  # hours from nine o'clock: within the spans of a day, a week, a month and more
        st.sampled_from([1, 3, 24, 25, 24 * 8, 24 * 31, 24 * 99]),
    ),
    max_size=25,
)
BUFFER = HOUR / 2
NEVER = NINE + timedelta(days=3650)


def happened(library_id: str, taken: Steps) -> tuple[list[Event], Modelled]:
    """Turn steps into events that could follow one another, and fold them."""
    events: list[Event] = [opened(library_id)]
    model = Modelled()
    for number, (what, which, hours, length) in enumerate(taken):
        seat_id = f"{library_id}-S{which}"
        start = NINE + hours * HOUR
        booking, state = list(model.bookings.values())[which] if which < len(model.bookings) else (None, "")
        hold = list(model.holds.values())[which] if which < len(model.holds) else None
        match what:
            case "seat" if seat_id not in model.in_service:
                events.append(seat(seat_id, library_id))
                model.in_service[seat_id] = True
            case "service" if seat_id in model.in_service:
                model.in_service[seat_id] = not model.in_service[seat_id]
                events.append(service(seat_id, model.in_service[seat_id], library_id))
            case "remove" if seat_id in model.in_service:
                events.append(SeatRemoved(library_id=library_id, seat_id=seat_id, revoke_at=NINE))
                del model.in_service[seat_id]
            case "hold" if seat_id in model.in_service:
                placed = held(f"{library_id}-H{number}", seat_id, start, length, NEVER, BUFFER, library_id)
                events.append(placed)
                model.holds[placed.hold_id] = placed
            case "lapse" | "release" if hold:
                events.append(lapsed(hold) if what == "lapse" else released(hold))
                del model.holds[hold.hold_id]
            case "book-held" if hold:
                made = booked_from(hold, f"{library_id}-B{number}")
                events.append(made)
                del model.holds[hold.hold_id]
                model.bookings[made.booking_id] = (made, "booked")
            case "book" if seat_id in model.in_service:
                made = booked(
                    f"{library_id}-B{number}", seat_id, start, length, "student", library_id, BUFFER
                )
                events.append(made)
                model.bookings[made.booking_id] = (made, "booked")
            case "move" if booking and state == "booked":
                moved = rescheduled(booking, seat_id=seat_id, start=start)
                events.append(moved)
                model.bookings[booking.booking_id] = (moved, "booked")
            case "in" if booking and state == "booked":
                events.append(checked_in(booking))
                model.bookings[booking.booking_id] = (booking, "occupied")
            case "cancel" | "miss" if booking and state == "booked":
                events.append(cancelled(booking) if what == "cancel" else missed(booking))
                del model.bookings[booking.booking_id]
            case "out" | "complete" if booking and state == "occupied":
                events.append(checked_out(booking) if what == "out" else completed(booking))
                del model.bookings[booking.booking_id]
            case "revoke" if booking:
                events.append(revoked(booking))
                del model.bookings[booking.booking_id]
    return events, model


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(taken=steps, offset=st.integers(-24, 60 * 24), length=st.sampled_from([1, 5, 24, 24 * 30]))
async def test_the_map_is_a_fold_of_the_events(
    log: Log, reads: httpx.AsyncClient, taken: Steps, offset: int, length: int
) -> None:
    library_id = f"L{uuid4().hex}"
    events, model = happened(library_id, taken)
    position = await log.append(*events)
    start, end = NINE + offset * HOUR, NINE + (offset + length) * HOUR
    answer = await ask_map(reads, position, start, end, library_id)
    assert {row["id"]: row["status"] for row in answer["seats"]} == model.statuses(start, end)


async def test_a_reader_never_sees_rows_of_another_position(log: Log, reads: httpx.AsyncClient) -> None:
    await ask_map(reads, await log.append(opened(), seat("S1"), seat("S2")))

    async def rival() -> int:
        position = 3
        for number in count():
            if number >= 120 and len(set(seen)) > 10:
                break
            first, second = booked(f"A{number}"), booked(f"B{number}", "S2")
            # From 4 on: both free, then S1, then both, then S2, then none, over and over.
            position = await log.append(first, second, cancelled(first), cancelled(second))
        return position

    taken = {3: (False, False), 0: (True, False), 1: (True, True), 2: (False, True)}
    seen: list[int] = []
    writing = asyncio.create_task(rival())
    while not writing.done():
        answer = await ask_map(reads, 0)  # Whatever is there.
        position = answer["position"]
        one, other = (row["status"] == "booked" for row in answer["seats"])
        assert (one, other) == taken[position % 4]
        assert not seen or position >= seen[-1], "a position went back"
        seen.append(position)
    await ask_map(reads, await writing)
