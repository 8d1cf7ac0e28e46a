"""Reading at a position: a client reads its own writes, and is told the truth where that cannot be."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import ModuleType

import httpx
import psycopg
import pytest

from studyspot.projections.builds import Build, creation, indexing
from studyspot.projections.models import bookings, libraries, seats
from studyspot.projections.queries.reading import WAIT_AT_MOST
from tests.engines import PostgresServer
from tests.projections.happenings import HOUR, NINE, booked, opened, seat
from tests.projections.queries.asking import ask, ask_map, assert_problem, text
from tests.projections.serving import Patient, bearer, reads_of
from tests.projections.system import Log, a_log, until, working

MAP = "/api/libraries/L1/seats"
INTERVAL = {"start": text(NINE), "end": text(NINE + HOUR)}


def at_least(position: int) -> dict[str, str]:
    return {"StudySpot-Min-Position": str(position)}


async def test_a_read_waits_for_its_position_and_is_woken_by_it(log: Log) -> None:
    async with reads_of(log, Patient()) as reads:
        async with working(log, seats.PROJECTION):
            await until(lambda: log.readable("seats"))
            await ask_map(reads, await log.append(opened(), seat()))
        waits = []
        for number in range(5):
            position = await log.append(booked(f"B{number}", start=NINE + number * HOUR))
            reading = asyncio.create_task(ask_map(reads, position))
            done, _ = await asyncio.wait([reading], timeout=0.3)
            assert not done, "it has read what no worker has applied"
            async with working(log, seats.PROJECTION) as worker:
                await until(lambda: worker.position == position)  # noqa: B023  # Awaited here.
                begun = time.monotonic()
                await reading
                waits.append(time.monotonic() - begun)
        assert sorted(waits)[1] < 0.15, "it looked every half a second instead of being woken"


@pytest.mark.parametrize("late", [libraries, seats, bookings], ids=["libraries", "seats", "bookings"])
async def test_a_read_waits_for_every_read_model_that_its_answer_is_made_from(
    log: Log, late: ModuleType
) -> None:
    async with reads_of(log, Patient()) as reads, AsyncExitStack() as stack:
        async with working(log, late.PROJECTION):
            await until(lambda: log.readable(late.PROJECTION.name))
        position = await log.append(opened(), seat(), booked(start=datetime.now(UTC) + HOUR))
        for model in {libraries, seats, bookings} - {late}:
            await stack.enter_async_context(working(log, model.PROJECTION))
            await until(lambda: log.readable(model.PROJECTION.name))  # noqa: B023  # Awaited here.
        owner = bearer("owner", "library_owner")
        reading = asyncio.create_task(ask(reads, "/api/libraries/L1/affected", position, owner, seatId="S1"))
        done, _ = await asyncio.wait([reading], timeout=0.3)
        assert not done, "it has read what no worker has applied"
        await stack.enter_async_context(working(log, late.PROJECTION))
        assert [row["id"] for row in (await reading)["rows"]] == ["B1"]


async def test_a_position_beyond_the_log_is_refused_at_once(log: Log, reads: httpx.AsyncClient) -> None:
    position = await log.append(opened(), seat())
    await ask_map(reads, position)
    begun = time.monotonic()
    answer = await reads.get(MAP, params=INTERVAL, headers=at_least(position + 1))
    assert_problem(answer, 422, "position-ahead")
    assert time.monotonic() - begun < WAIT_AT_MOST.total_seconds()
    for wrong in ("-1", "soon", str(2**63)):
        answer = await reads.get(MAP, params=INTERVAL, headers={"StudySpot-Min-Position": wrong})
        assert_problem(answer, 422, "invalid-request")


async def test_a_read_model_that_stays_behind_is_a_503_after_two_seconds(log: Log) -> None:
    async with reads_of(log) as reads:
        async with working(log, seats.PROJECTION):
            await log.append(opened(), seat())
            await until(lambda: log.readable("seats"))
            await ask_map(reads)
        position = await log.append(booked())
        begun = time.monotonic()
        answer = await reads.get(MAP, params=INTERVAL, headers=at_least(position))
        assert_problem(answer, 503, "position-not-reached")
        assert answer.headers["Retry-After"] == "1"
        assert 1.9 < time.monotonic() - begun < 8


async def test_a_read_model_that_was_never_built_is_a_503(log: Log) -> None:
    async with reads_of(log) as reads:
        answer = await reads.get(MAP, params=INTERVAL)
        assert_problem(answer, 503, "unavailable")
        assert answer.headers["Retry-After"] == "1"
        async with working(log, seats.PROJECTION):
            position = await log.append(opened(), seat())
            await until(lambda: log.readable("seats"))
            await ask_map(reads, position)


async def test_a_database_that_is_away_is_a_503_until_it_is_back(postgres_server: PostgresServer) -> None:
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log, reads_of(log) as reads, working(log, seats.PROJECTION):
            await log.append(opened(), seat())
            await until(lambda: log.readable("seats"))
            await ask_map(reads)
            postgres_server.kill()
            await until(lambda: not postgres_server.engine.is_running())
            answer = await reads.get(MAP, params=INTERVAL)
            assert_problem(answer, 503, "unavailable")
            assert answer.headers["Retry-After"] == "1"
            postgres_server.restart()
            position = await log.append(booked())
            async with asyncio.timeout(60):
                # Each read waits for its position, so this asks every two seconds at most.
                while (await reads.get(MAP, params=INTERVAL, headers=at_least(position))).status_code != 200:
                    pass


async def test_readers_follow_the_pointer_to_another_build_and_never_look_back(log: Log) -> None:
    async with reads_of(log, Patient()) as reads:
        async with working(log, seats.PROJECTION):
            position = await log.append(opened(), seat(), booked())
            await until(lambda: log.readable("seats"))
            await ask_map(reads, position)
        with psycopg.connect(log.database_url, autocommit=True) as connection:
            rebuild(connection)
            assert (await ask_map(reads))["seats"][0]["status"] == "booked"
            connection.execute("UPDATE read.current SET number = 2 WHERE name = 'seats'")
            assert (await ask_map(reads))["seats"][0]["status"] == "occupied", "it still reads the old build"
            for table in seats.PROJECTION.tables:
                connection.execute(f"DROP TABLE read.{table.name}_2_1".encode())
            assert (await ask_map(reads))["position"] == position
        async with working(log, seats.PROJECTION) as worker:
            await ask_map(reads, await log.append(booked("B2", start=NINE + HOUR)))
            assert worker.position == position + 1


def rebuild(connection: psycopg.Connection) -> None:
    """Make a second build, as a rebuild would; it differs from the first so that it is known."""
    old, new = Build("seats", 2, 1), Build("seats", 2, 2)
    connection.execute(
        "INSERT INTO read.builds (name, version, number, tables, position, epoch)"
        " SELECT name, version, 2, tables, position, epoch FROM read.builds WHERE name = 'seats'"
    )
    for table in seats.PROJECTION.tables:
        for statement in (creation(table, new), *indexing(table, new)):
            connection.execute(statement)
        copied = psycopg.sql.SQL("INSERT INTO {} SELECT * FROM {}")
        connection.execute(copied.format(new.table(table), old.table(table)))
    connection.execute("UPDATE read.occupations_2_2 SET state = 'occupied'")
