"""`studyspot projections status`, once and watched, on a terminal and in a pipe."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from studyspot.projections.models import bookings
from studyspot.projections.models.registry import PROJECTIONS
from tests.console.terminal import CTRL_C, on_a_terminal
from tests.engines import PostgresServer
from tests.projections.happenings import booked, opened
from tests.projections.system import Log, a_log, until, working

STATUS = (sys.executable, "-m", "studyspot", "projections", "status")
NAMES = [projection.name for projection in PROJECTIONS]


@pytest.fixture
async def log(postgres_server: PostgresServer) -> AsyncIterator[Log]:
    """An empty log in a database of its own."""
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log:
            yield log


def environment(log: Log, home: Path) -> Mapping[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    return clean | {"STUDYSPOT_HOME": str(home), "STUDYSPOT_DATABASE_URL": log.database_url}


@asynccontextmanager
async def in_a_pipe(
    log: Log, home: Path, *arguments: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    process = await asyncio.create_subprocess_exec(
        *STATUS,
        *arguments,
        env=environment(log, home),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def next_line(output: asyncio.StreamReader) -> dict[str, dict[str, Any]]:
    """Return what the next line of JSON says, by projection."""
    async with asyncio.timeout(30):
        told = json.loads(await output.readline())
    assert [one["name"] for one in told] == NAMES
    return {one["name"]: one for one in told}


async def test_status_tells_versions_positions_and_lags(log: Log, tmp_path: Path) -> None:
    await log.append(opened())
    async with working(log, bookings.PROJECTION):
        await until(lambda: log.position("bookings") == 1)
    await log.append(booked())
    async with in_a_pipe(log, tmp_path, "--json") as (process, output):
        told = await next_line(output)
        assert await process.wait() == 0
    assert {key: told["bookings"][key] for key in ("version", "position", "head", "lagEvents")} == {
        "version": bookings.PROJECTION.version,
        "position": 1,
        "head": 2,
        "lagEvents": 1,
    }
    assert 0 < told["bookings"]["lagSeconds"] < 60
    assert told["seats"]["version"] is None
    assert told["seats"]["lagP99Seconds"] is None, "nothing was measured, so nothing is told"


async def test_a_watched_status_on_a_terminal_follows_the_log_until_ctrl_c(log: Log, tmp_path: Path) -> None:
    await log.append(opened())
    with on_a_terminal([*STATUS, "--watch"], environment(log, tmp_path)) as terminal:
        await terminal.shows("bookings")
        async with working(log, bookings.PROJECTION) as worker:
            await log.append(*(booked(f"B{number}") for number in range(776)))
            await until(lambda: worker.position == 777)
        await terminal.shows("777")
        terminal.press(CTRL_C)
        assert await terminal.ends() == 0
        assert "Traceback" not in terminal.shown
        assert "\x1b[?25h" in terminal.shown, "the cursor is left hidden"


async def test_a_watched_status_in_a_pipe_is_a_line_of_json_a_second_until_it_is_interrupted(
    log: Log, tmp_path: Path
) -> None:
    await log.append(opened())
    async with in_a_pipe(log, tmp_path, "--watch") as (process, output):
        assert (await next_line(output))["bookings"]["position"] == 0
        async with working(log, bookings.PROJECTION):
            while (await next_line(output))["bookings"]["position"] != 1:
                pass
        # What was never applied lags by as much more as has passed between two looks, whenever we read them.
        lags = [(await next_line(output))["seats"]["lagSeconds"] for _ in range(3)]
        assert all(0.9 < later - sooner < 10 for sooner, later in pairwise(lags))
        process.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(process.communicate(), 30)
        assert (process.returncode, errors) == (0, b"")


async def test_a_watched_status_ends_well_when_nobody_reads_it_any_more(log: Log, tmp_path: Path) -> None:
    await log.append(opened())
    reader, writer = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(*STATUS, "--watch"), env=environment(log, tmp_path), stdout=writer, stderr=asyncio.subprocess.PIPE
    )
    os.close(writer)
    with os.fdopen(reader) as output:
        assert json.loads(await asyncio.to_thread(output.readline))
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, errors) == (0, b"")


async def test_status_is_a_line_for_each_projection_on_a_narrow_terminal(log: Log, tmp_path: Path) -> None:
    await log.append(opened())
    async with working(log, bookings.PROJECTION):
        await until(lambda: log.position("bookings") == 1)
    log.rows("UPDATE read.builds SET applied_at = '2026-01-02 03:04:05+00' RETURNING 1")
    narrow = {**environment(log, tmp_path), "COLUMNS": "80"}
    process = await asyncio.create_subprocess_exec(*STATUS, env=narrow, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    lines = out.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["projection", *NAMES]
    assert lines[3].rstrip().endswith(" 2026-01-02")
    log.rows("UPDATE read.builds SET applied_at = date_trunc('day', now(), 'UTC') RETURNING 1")
    process = await asyncio.create_subprocess_exec(*STATUS, env=narrow, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert out.decode().splitlines()[3].rstrip().endswith(" 00:00:00")


async def test_a_watched_status_outlives_a_database_that_goes_away(
    postgres_server: PostgresServer, log: Log, tmp_path: Path
) -> None:
    await log.append(opened())
    async with in_a_pipe(log, tmp_path, "--watch", "--json") as (process, output):
        await next_line(output)
        postgres_server.kill()
        assert process.stderr is not None
        async with asyncio.timeout(30):
            assert b"the database does not answer" in await process.stderr.readline()
        postgres_server.restart()
        position = await log.append(booked())
        while (await next_line(output))["bookings"]["head"] != position:
            pass
