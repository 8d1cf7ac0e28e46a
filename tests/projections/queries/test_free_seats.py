"""Other seats that are free, for a student who cannot have the one asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool
from structlog.testing import capture_logs

from studyspot.projections.models import seats
from studyspot.projections.queries.free_seats import FreeSeat, FreeSeats
from studyspot.projections.queries.reading import Queries
from tests.projections.happenings import HOUR, NINE, booked, cancelled, held, opened, seat, service
from tests.projections.system import Log, until, working

TEN = NINE + HOUR


@asynccontextmanager
async def finding(log: Log) -> AsyncIterator[FreeSeats]:
    pool = AsyncConnectionPool(
        log.database_url, min_size=1, max_size=1, timeout=2, open=False, kwargs={"autocommit": True}
    )
    async with pool, Queries(pool, log.database_url, log.store) as queries:
        yield FreeSeats(queries)


@pytest.fixture
async def finder(log: Log) -> AsyncIterator[FreeSeats]:
    async with finding(log) as finder:
        yield finder


async def filled(log: Log) -> None:
    now = datetime.now(UTC)
    gone = booked("B7", "S7", NINE)
    await log.append(opened(), opened("L2"), seat("S9", "L2", zone="ac"))
    await log.append(*(seat(f"S{number}", zone="quiet" if number < 5 else "ac") for number in range(8)))
    await log.append(
        *(service("S0", False), booked("B1", "S1", NINE), booked("B2", "S2", NINE - HOUR, buffer=HOUR / 4)),
        *(held("H3", "S3", NINE, until=now + HOUR), held("H4", "S4", NINE, until=now - HOUR)),
        *(booked("B5", "S5", NINE - HOUR), booked("B6", "S6", TEN), gone, cancelled(gone)),
    )
    async with working(log, seats.PROJECTION):
        await until(lambda: log.readable("seats"))


async def offered(finder: FreeSeats, *, zone: str | None, limit: int = 3) -> tuple[FreeSeat, ...]:
    """Ask until seats are offered: on a busy machine the first looks may take too long for that."""
    async with asyncio.timeout(30):
        while not (found := await finder.free("L1", NINE, TEN, zone=zone, limit=limit)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # For a while it does not look at all.
    return found


async def test_seats_in_service_that_nothing_takes_are_found_those_of_the_zone_first(
    log: Log, finder: FreeSeats
) -> None:
    await filled(log)
    free = {FreeSeat(f"S{number}", f"S{number}", "ac" if number > 4 else "quiet") for number in range(4, 8)}
    found = await offered(finder, zone="ac", limit=9)
    assert [one.zone for one in found] == ["ac", "ac", "ac", "quiet"]
    assert {*found} == free
    quiet = await offered(finder, zone="quiet")
    assert [one.zone for one in quiet] == ["quiet", "ac", "ac"]
    anywhere = await offered(finder, zone=None, limit=2)
    assert len({*anywhere}) == 2
    assert {*anywhere} < free
    assert await finder.free("L9", NINE, TEN, zone=None) == ()


async def test_where_nothing_can_be_read_no_seat_is_offered_and_the_log_says_why(
    log: Log, finder: FreeSeats
) -> None:
    with capture_logs() as logs:
        assert await finder.free("L1", NINE, TEN, zone=None) == ()
    assert [entry["event"] for entry in logs] == ["free seats not found"]


async def test_a_refusal_does_not_wait_long_for_other_seats(log: Log, finder: FreeSeats) -> None:
    await filled(log)
    await offered(finder, zone=None)
    with psycopg.connect(log.database_url) as blocking:
        blocking.execute(f"LOCK TABLE read.occupations_{seats.PROJECTION.version}_1".encode())
        async with asyncio.timeout(4):  # A read by itself may take five seconds.
            assert await finder.free("L1", NINE, TEN, zone=None) == ()
    await offered(finder, zone=None)
