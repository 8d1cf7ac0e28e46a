"""The seat map as it was is what the seat map said then."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyspot.domain.events import (
    BookingCreated,
    BookingRescheduled,
    Event,
    HoldPlaced,
    SeatRemoved,
    SeatUpdated,
)
from studyspot.projections.queries import past_seat_map
from tests.projections.happenings import (
    HOUR,
    NINE,
    booked,
    booked_from,
    cancelled,
    checked_in,
    checked_out,
    held,
    hired,
    lapsed,
    opened,
    released,
    rescheduled,
    seat,
    service,
)
from tests.projections.poison import overwrite
from tests.projections.queries.asking import ask, assert_problem, text
from tests.projections.serving import bearer
from tests.projections.system import Log

OWNER, STELLA = bearer("owner", "library_owner"), bearer("stella", "staff")
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
TIME: dict[str, Any] = {"start": text(NINE), "end": text(NINE + DAY)}


def path(library_id: str = "L1") -> str:
    return f"/api/libraries/{library_id}/seats"


@dataclass
class Story:
    """What happens in a library, step by step, each step one that may follow."""

    library_id: str
    holds: list[HoldPlaced] = field(default_factory=list)
    bookings: list[BookingCreated | BookingRescheduled] = field(default_factory=list)
    number: int = 0

    def next(self, choice: int, hours: int) -> Event:
        self.number += 1
        name = f"{self.library_id}-{self.number}"
        start = NINE + hours * HOUR - 6 * HOUR
        seat_id = f"{self.library_id}-S{hours % 2}"
        place: dict[str, Any] = {"library_id": self.library_id}
        match choice:
            case 0:
                until = NOW + (HOUR if hours % 3 else -HOUR)
                self.holds.append(held(name, seat_id, start, until=until, buffer=HOUR / 4, **place))
                return self.holds[-1]
            case 1 | 2 | 3 if self.holds:
                hold = self.holds.pop()
                if choice == 3:
                    self.bookings.append(booked_from(hold, name))
                    return self.bookings[-1]
                return released(hold) if choice == 1 else lapsed(hold)
            case 4 | 5 | 6 | 7 if self.bookings:
                booking = self.bookings.pop()
                if choice == 4:
                    return cancelled(booking)
                if choice == 7:
                    return checked_out(booking)
                if choice == 6:
                    self.bookings.insert(0, booking)
                    return checked_in(booking)
                self.bookings.append(rescheduled(booking, seat_id=seat_id, start=start))
                return self.bookings[-1]
            case 8:
                return service(seat_id, in_service=hours % 2 == 0, **place)
            case 9:
                return SeatUpdated(seat_id=seat_id, label=f"New {hours}", zone="ac", **place)
            case _:
                self.bookings.append(booked(name, seat_id, start, **place))
                return self.bookings[-1]


STEPS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 30)), min_size=1, max_size=25)


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
async def test_it_is_what_the_map_said_at_that_position(
    log: Log, reads: httpx.AsyncClient, steps: list[tuple[int, int]]
) -> None:
    story = Story(f"L{log.store.head().position}")
    here = path(story.library_id)
    seats = [seat(f"{story.library_id}-S{number}", story.library_id) for number in range(2)]
    await ask(reads, f"/api/libraries/{story.library_id}", await log.append(opened(story.library_id), *seats))
    said = []
    for choice, hours in steps:
        position = await log.append(story.next(choice, hours))
        said.append((position, await ask(reads, here, position, **TIME)))
    await log.append(SeatRemoved(library_id=story.library_id, seat_id=seats[0].seat_id, revoke_at=NINE))
    for position, then in said:
        past = await ask(reads, here, headers=OWNER, at=position, **TIME)
        assert (past["position"], past["epoch"]) == (position, then["epoch"])
        assert past["seats"] == then["seats"]


async def test_a_time_is_the_end_of_the_log_by_then(log: Log, reads: httpx.AsyncClient) -> None:
    began = NOW - 10 * HOUR
    await log.append(opened(), seat(), at=began)
    await log.append(held(until=began + 2 * HOUR), at=began + HOUR)
    await log.append(booked("B2", "S1", NINE + 3 * HOUR), at=began + 3 * HOUR)
    position = await log.append(cancelled(booked("B2", "S1", NINE + 3 * HOUR)), at=began + 4 * HOUR)
    await ask(reads, "/api/libraries/L1", position)

    async def at(time: datetime) -> tuple[int, list[str]]:
        past = await ask(reads, path(), headers=OWNER, at=text(time), **TIME)
        assert past["at"] == text(time)
        [only] = past["seats"]
        return past["position"], [one["id"] for one in only["occupations"]]

    assert await at(began) == (2, [])
    assert await at(began + HOUR) == (3, ["o-H1"])
    # The hold is over by the clock, though nobody has noticed.
    assert await at(began + 2 * HOUR) == (3, [])
    assert await at(began + 3.5 * HOUR) == (4, ["o-B2"])
    assert await at(NOW) == (5, [])
    before = await reads.get(path(), params={**TIME, "at": text(began - HOUR)}, headers=OWNER)
    assert_problem(before, 404, "library-unknown")


async def test_only_who_runs_the_library_sees_its_past_and_only_what_has_come(
    log: Log, reads: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.append(opened("L2", "rival"))
    position = await log.append(opened(), seat(), hired("stella"))
    await ask(reads, "/api/libraries/L1", position)
    for runner in (OWNER, STELLA):
        await ask(reads, path(), position, headers=runner, at=position, **TIME)
    for other in (bearer("anna"), bearer("rival", "library_owner"), bearer("root", "admin")):
        answer = await reads.get(path(), params={**TIME, "at": position}, headers=other)
        assert_problem(answer, 403, "not-your-library")
    assert_problem(await reads.get(path(), params={**TIME, "at": position}), 401, "unauthenticated")
    for wrong, slug in (
        ("99", "position-ahead"),
        (text(NOW + DAY), "invalid-request"),
        ("then", "invalid-request"),
        ("9" * 30, "invalid-request"),
    ):
        assert_problem(await reads.get(path(), params={**TIME, "at": wrong}, headers=OWNER), 422, slug)
    assert_problem(await reads.get(path(), params={**TIME, "at": "1"}, headers=OWNER), 404, "library-unknown")
    long: dict[str, Any] = {"start": text(NINE), "end": text(NINE + 8 * DAY), "at": position}
    assert_problem(await reads.get(path(), params=long, headers=OWNER), 422, "invalid-request")
    monkeypatch.setattr(past_seat_map, "MOST_SEAT_DAYS", 1)
    answer = await reads.get(path(), params={**TIME, "at": position}, headers=OWNER)
    assert_problem(answer, 422, "invalid-request")


async def test_what_cannot_be_read_is_said_to_be_missing(log: Log, reads: httpx.AsyncClient) -> None:
    await log.append(opened(), seat("S1"))
    position = await log.append(booked("B1", "S1"))
    await ask(reads, "/api/libraries/L1", position)
    overwrite(log, position, b'{"v":1}')
    answer = await reads.get(path(), params={**TIME, "at": position}, headers=OWNER)
    assert (answer.json()["parked"], answer.headers["StudySpot-Parked"]) == (True, "true")
