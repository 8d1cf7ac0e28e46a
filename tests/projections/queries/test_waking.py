"""A read that waits for its position is woken: by a notification, and by its own look where none comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool
from structlog.testing import capture_logs

from studyspot.projections.builds import CHANNEL
from studyspot.projections.models import bookings, seats
from studyspot.projections.queries.current_builds import CurrentBuilds
from studyspot.projections.queries.query import Query
from studyspot.projections.queries.reading import Queries
from tests.projections.happenings import HOUR, NINE, booked, opened
from tests.projections.system import Log, until, working

NEVER = timedelta(hours=1)
SOURCES = (bookings.PROJECTION, seats.PROJECTION)
LIMIT = timedelta(seconds=30)
BOOKINGS = Query(
    "SELECT booking_id FROM {bookings}", order="found.booking_id", sources=(bookings.PROJECTION,)
)


@asynccontextmanager
async def following(log: Log) -> AsyncIterator[CurrentBuilds]:
    """Positions as notifications tell them: what nobody tells is not looked up within the test."""
    current = CurrentBuilds(log.database_url, look_every=NEVER)
    task = asyncio.create_task(current.run())
    try:
        yield current
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def listeners(log: Log) -> list[int]:
    found = log.rows(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'studyspot read positions'"
        " AND datname = current_database() AND state = 'idle'"
    )
    return [pid for (pid,) in found]


def listens_anew(log: Log, lost: int) -> bool:
    """Whether there is another connection, and the lost one is quite gone."""
    found = listeners(log)
    return len(found) == 1 and lost not in found


async def test_who_waits_for_several_read_models_is_woken_by_the_last_of_them(log: Log) -> None:
    await log.append(opened())
    async with (
        working(log, seats.PROJECTION) as one,
        working(log, bookings.PROJECTION) as other,
        following(log) as current,
    ):
        assert await current.wait(SOURCES, 1, LIMIT)
        for number in range(2, 12):
            waiting = asyncio.create_task(current.wait(SOURCES, number, LIMIT))
            await log.append(booked(f"B{number}", start=NINE + number * HOUR))
            await until(lambda: one.position == other.position == number)  # noqa: B023  # Awaited here.
            assert await waiting


async def test_a_lost_listening_connection_is_regained_and_wakes_again(log: Log) -> None:
    await log.append(opened())
    async with working(log, bookings.PROJECTION) as worker, following(log) as current:
        await until(lambda: worker.position == 1)
        assert await current.wait(SOURCES[:1], 1, LIMIT)
        for number in (2, 3):
            [lost] = listeners(log)
            log.rows("SELECT pg_terminate_backend(%s)", lost)
            # What happens while nobody listens is known as soon as somebody does again.
            await log.append(booked(f"B{number}", start=NINE + number * HOUR))
            await until(lambda: worker.position == number)  # noqa: B023  # Awaited here.
            assert await current.wait(SOURCES[:1], number, LIMIT)
            await until(lambda: listens_anew(log, lost))  # noqa: B023


async def test_a_read_is_answered_though_no_notification_can_be_heard(log: Log) -> None:
    pool = AsyncConnectionPool(log.database_url, min_size=1, open=False, kwargs={"autocommit": True})
    deaf = "postgresql://studyspot:x@127.0.0.1:9/none"
    async with pool, Queries(pool, deaf, log.store) as queries, working(log, bookings.PROJECTION) as worker:
        for number in (1, 2, 3):
            position = await log.append(booked(f"B{number}", start=NINE + number * HOUR))
            reading = await queries.read(BOOKINGS, {}, position)
            assert reading.position == position == len(reading.rows)
        assert worker.position == 3


async def test_a_build_that_takes_the_place_of_another_is_heard_of_at_once(log: Log) -> None:
    await log.append(opened())
    async with working(log, bookings.PROJECTION) as worker, following(log) as current:
        await until(lambda: worker.position == 1)
        assert await current.wait(SOURCES[:1], 1, LIMIT)
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE other AS SELECT * FROM read.builds WHERE name = 'bookings'"
        )
        connection.execute("UPDATE other SET number = 2, position = 5")
        connection.execute("INSERT INTO read.builds SELECT * FROM other")
        async with following(log) as current:
            assert await current.wait(SOURCES[:1], 1, LIMIT)
            notice = "bookings 1 2 5"

            async def told_until_heard() -> None:
                while not current.reached(SOURCES[:1], 5):
                    connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, notice])
                    await current.wait(SOURCES[:1], 5, timedelta(milliseconds=50))

            with pytest.raises(TimeoutError):
                # The new build is told of, as during a rebuild, but nobody reads it yet.
                await asyncio.wait_for(told_until_heard(), 0.5)
            connection.execute("UPDATE read.current SET number = 2 WHERE name = 'bookings'")
            await asyncio.wait_for(told_until_heard(), LIMIT.total_seconds())
            [build] = current.of(SOURCES[:1]) or ()
            assert build.number == 2


async def test_positions_told_late_do_not_go_back(log: Log) -> None:
    await log.append(opened(), booked())
    build = f"bookings {bookings.PROJECTION.version} 1"
    async with working(log, bookings.PROJECTION) as worker, following(log) as current:
        await until(lambda: worker.position == 2)
        assert await current.wait(SOURCES[:1], 2, LIMIT)
        with psycopg.connect(log.database_url, autocommit=True) as connection:
            connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{build} 1"])
            connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{build} 3"])
        assert await current.wait(SOURCES[:1], 3, LIMIT)
        with psycopg.connect(log.database_url, autocommit=True) as connection:
            connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{build} 2"])
            connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{build} 4"])
        assert await current.wait(SOURCES[:1], 4, LIMIT)


async def test_what_tells_of_no_build_is_left_aside(log: Log) -> None:
    troubles: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    await log.append(opened())
    build = f"bookings {bookings.PROJECTION.version} 1"
    async with working(log, bookings.PROJECTION), following(log) as current:
        assert await current.wait(SOURCES[:1], 1, LIMIT)
        with psycopg.connect(log.database_url, autocommit=True) as connection:
            for number, rubbish in enumerate(("", "bookings", "bookings 1 one 1", f"{build} {'9' * 5000}")):
                connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, rubbish])
                position = await log.append(booked(f"B{number}", start=NINE + number * HOUR))
                connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, rubbish])
                assert await current.wait(SOURCES[:1], position, LIMIT)
    assert troubles == []


async def test_positions_that_may_not_be_read_for_now_are_heard_again(log: Log) -> None:
    await log.append(opened())
    async with working(log, bookings.PROJECTION):
        await until(lambda: log.readable("bookings"))
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        connection.execute("REVOKE SELECT ON read.current FROM CURRENT_USER")
        with capture_logs() as said:
            async with following(log) as current:
                await until(lambda: any(line["event"] == "read positions are not heard" for line in said))
                connection.execute("GRANT SELECT ON read.current TO CURRENT_USER")
                assert await current.wait(SOURCES[:1], 1, LIMIT)
