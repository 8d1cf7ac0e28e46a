"""Builds go on together where they can, and nobody waits for one that cannot."""

import asyncio
from dataclasses import replace

import psycopg
import pytest

from studyspot.domain.events import Event
from studyspot.projections.applier import Applier
from studyspot.projections.builds import Build
from studyspot.projections.convoy import MOST_EVENTS, Convoy
from studyspot.projections.models import bookings, seats
from studyspot.projections.parking import Sorted
from studyspot.projections.projection import Projection
from studyspot.projections.steps import Step
from studyspot.projections.writing import written
from tests.projections.happenings import booked, recorded
from tests.projections.system import Log, until

TRANSACTIONS = "SELECT DISTINCT xmin::text FROM read.builds"
POSITIONS = "SELECT name, position FROM read.builds ORDER BY name"
NOWHERE = "postgresql://127.0.0.1:9/nothing"
BOOKED = booked()


@pytest.fixture
async def convoy(log: Log) -> Convoy:
    """One that goes on, where seats and bookings have their builds."""
    for projection in (seats.PROJECTION, bookings.PROJECTION):
        await (await Applier.open(log.database_url, projection, "e1", log.convoy)).close()
    await until(lambda: log.convoy.connected)
    return log.convoy


def step(projection: Projection, event: Event = BOOKED, position: int = 0) -> Step:
    """The step from `position` over one event."""
    build = Build(projection.name, projection.version, 1)
    changes = Sorted(projection.changes(recorded(event, position + 1)))
    return Step(build, position, 0, position + 1, None, False, written(build, changes))


async def taken(convoy: Convoy, *steps: Step) -> list[bool | None]:
    """Ask for all of them at once."""
    return list(await asyncio.gather(*map(convoy.take, steps)))


async def test_what_is_ready_at_once_is_one_transaction(log: Log, convoy: Convoy) -> None:
    assert await taken(convoy, step(seats.PROJECTION), step(bookings.PROJECTION)) == [True, True]
    assert len(log.rows(TRANSACTIONS)) == 1
    assert log.rows(POSITIONS) == [("bookings", 1), ("seats", 1)]
    assert log.rows("SELECT occupation FROM read.occupations_2_1") == [(BOOKED.occupation,)]
    assert log.rows("SELECT booking_id FROM read.bookings_4_1") == [(BOOKED.booking_id,)]


async def test_who_is_not_where_it_was_thought_to_be_changes_nothing_and_keeps_nobody(
    log: Log, convoy: Convoy
) -> None:
    ahead = step(seats.PROJECTION, position=7)
    unaware = replace(step(bookings.PROJECTION), parked_revision=3)
    assert await taken(convoy, ahead, unaware) == [False, False]
    assert await taken(convoy, ahead, step(bookings.PROJECTION)) == [False, True]
    assert log.rows(POSITIONS) == [("bookings", 1), ("seats", 0)]
    assert log.rows("SELECT FROM read.occupations_2_1") == []


async def test_rows_that_are_refused_leave_every_step_to_who_asked(log: Log, convoy: Convoy) -> None:
    refused = step(seats.PROJECTION, replace(BOOKED, seat_id="\0"))
    assert await taken(convoy, refused, step(bookings.PROJECTION)) == [None, None]
    assert log.rows(POSITIONS) == [("bookings", 0), ("seats", 0)]
    assert await convoy.take(step(bookings.PROJECTION))


async def test_nobody_waits_for_one_that_is_held_up(log: Log, convoy: Convoy) -> None:
    with psycopg.connect(log.database_url) as holder:
        holder.execute("SELECT FROM read.builds WHERE name = 'seats' FOR UPDATE")
        assert await taken(convoy, step(seats.PROJECTION), step(bookings.PROJECTION)) == [None, None]
        # It goes on: one that had waited until its limit would be without a connection now.
        assert await convoy.take(step(bookings.PROJECTION))


async def test_of_two_steps_of_one_build_the_second_is_left_to_who_asked(log: Log, convoy: Convoy) -> None:
    one = step(seats.PROJECTION)
    assert await taken(convoy, one, one) == [True, None]


async def test_a_page_of_a_build_that_catches_up_is_left_to_who_asked(log: Log, convoy: Convoy) -> None:
    page = replace(step(bookings.PROJECTION), until=MOST_EVENTS + 1)
    assert await taken(convoy, page, step(seats.PROJECTION)) == [None, True]
    assert log.rows(POSITIONS) == [("bookings", 0), ("seats", 1)]


async def test_without_a_database_every_step_is_left_to_who_asked() -> None:
    async with Convoy(NOWHERE) as convoy:
        assert await convoy.take(step(seats.PROJECTION)) is None


async def test_a_connection_that_is_lost_is_made_again(log: Log, convoy: Convoy) -> None:
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
    log.rows(ended, "studyspot projections")
    # Whether it hears of that before or with the step, nobody is left waiting.
    await convoy.take(step(seats.PROJECTION, position=7))
    await until(lambda: convoy.connected)
    async with asyncio.timeout(30):
        while not await convoy.take(step(seats.PROJECTION)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert log.position("seats") == 1
