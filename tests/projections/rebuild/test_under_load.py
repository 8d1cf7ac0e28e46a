"""Rebuilds while commands keep coming and a hundred clients read: nobody notices."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from benchmarks.history import write_history
from psycopg import AsyncConnection

from studyspot.checker.log import Log as Records
from studyspot.checker.read_models import Read, judge_replay
from studyspot.checker.records import BookingsRead, Record, SeatMapRead
from studyspot.checker.sources import read_log
from studyspot.embedded.ports import free_port
from studyspot.projections.builds import drop_superseded, lock_pointer
from studyspot.projections.models import seats
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.projections.verification.run import verify
from tests.engines import PostgresServer
from tests.projections.happenings import HOUR, opened
from tests.projections.rebuild.clients import Answer, Question, ReadingClient, all_are_answered, reading
from tests.projections.rebuild.command import command
from tests.projections.rebuild.load import COMMANDS_A_SECOND, LIBRARY, SEATS, Commands, moment, student
from tests.projections.rebuild.steps import current, rebuild
from tests.projections.rebuild.watching import all_are_at, row
from tests.projections.serving import KEY, bearer
from tests.projections.system import Log, a_log, until, working

HISTORY = 6_000
CLIENTS = 100
READS_EVERY_SECONDS = 1.0
REBUILDS = 2
JUDGED = 300
SHOWN = 3 * HOUR


def questions(number: int, chance: random.Random) -> tuple[Question, ...]:
    """What one client asks: of some hours, of one student, and of the library."""
    start = moment(chance.randrange(20 * SEATS))
    interval = {"start": start.isoformat(), "end": (start + SHOWN).isoformat()}
    asked = [
        Question("seats", f"/api/libraries/{LIBRARY}/seats", interval),
        Question("bookings", "/api/bookings", {"limit": "100"}, bearer(student(number))),
        Question("libraries", f"/api/libraries/{LIBRARY}"),
    ]
    chance.shuffle(asked)
    return tuple(asked)


async def rebuild_all_again(log: Log) -> None:
    """Rebuild every projection, and drop at once what was read before."""
    old = [current(log, projection) for projection in PROJECTIONS]
    with command(log.database_url, "projections", "rebuild", "--all") as running:
        await running.is_done()
        running.kill()  # Before it waits until nobody can need the old tables any more.
    async with await AsyncConnection.connect(log.database_url, autocommit=True) as connection:
        for projection in PROJECTIONS:
            await drop_superseded(connection, projection, grace=timedelta())
    new = [current(log, projection) for projection in PROJECTIONS]
    assert [build.number for build in new] == [build.number + 1 for build in old]
    left = log.rows("SELECT name, version, number FROM read.builds")
    assert sorted(left) == sorted((build.name, build.version, build.number) for build in new)


@asynccontextmanager
async def reads_in_a_process(database_url: str, directory: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the HTTP process, which accepts the tokens of tests."""
    KEY.save(directory / "key.pem")
    port = free_port()
    settings = {"STUDYSPOT_SIGNING_KEY": str(directory / "key.pem"), "STUDYSPOT_API_PORT": str(port)}
    with command(database_url, "api", settings=settings) as api:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            async with asyncio.timeout(60):
                while not await is_ready(client):
                    assert api.running, api.complained
                    await asyncio.sleep(0.05)
            yield client


async def is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/api/ready")).is_success
    except httpx.TransportError:
        return False


@pytest.mark.alone
async def test_rebuilds_under_load_fail_no_read_and_take_none_back(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    chance = random.Random(20261201)
    with postgres_server.migrated_database() as url:
        await asyncio.to_thread(write_history, url, HISTORY)
        async with a_log(url) as log, reads_in_a_process(url, tmp_path) as reads:
            commands = Commands(log, chance)
            with command(url, "projections", "run"):
                await all_are_at(url, await commands.open_library())
                newest: dict[str, int] = {}
                clients = [
                    ReadingClient(
                        reads,
                        questions(number, chance),
                        newest,
                        chance=chance,
                        every_seconds=READS_EVERY_SECONDS,
                    )
                    for number in range(CLIENTS)
                ]
                ending = asyncio.Event()
                async with reading(clients), asyncio.TaskGroup() as giving:
                    giving.create_task(commands.run(ending))
                    await all_are_answered(clients)
                    for _ in range(REBUILDS):
                        await rebuild_all_again(log)
                    await all_are_answered(clients)
                    seconds = asyncio.get_running_loop().time() - commands.begun
                    ending.set()
                assert commands.acknowledged == commands.given >= int(COMMANDS_A_SECOND * seconds)
                # Its workers have moved over, and keep the new builds up.
                await all_are_at(url, log.store.head().position)
            for projection in PROJECTIONS:
                verified = await verify(
                    projection, database_url=url, workers=1, sample=None, tell=lambda progress: None
                )
                assert verified.difference is None
                assert verified.build.number > REBUILDS
            answers = [answer for client in clients for answer in client.answers]
            assert len(answers) > JUDGED
            chance.shuffle(answers)
            records = await asyncio.to_thread(read_log, url)
        assert not list(judge_replay(Records(records), judged(answers[:JUDGED])))
        assert not list(wrong_libraries(records, answers))


async def test_the_new_build_takes_in_what_the_old_one_has_learned_at_the_last_moment(history: Log) -> None:
    async with (
        working(history, seats.PROJECTION) as worker,
        await AsyncConnection.connect(history.database_url) as holding,
        await AsyncConnection.connect(history.database_url, autocommit=True) as watching,
    ):
        await until(lambda: worker.position == history.store.head().position, limit=60)
        # With one event more it has done all that it does when it has caught up, the pointer among it.
        caught_up = await history.append(opened("library-before"))
        await until(lambda: worker.position == caught_up)
        await lock_pointer(holding, "seats")
        rebuilding = asyncio.create_task(rebuild(history, seats.PROJECTION))
        await row(watching, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        position = await history.append(opened("library-of-the-last-moment"))
        await until(lambda: worker.position == position)
        await holding.rollback()
        assert (await rebuilding).position == position


def judged(answers: Iterable[Answer]) -> Iterator[Read]:
    """The answers that the checker knows how to judge, as its evidence."""
    for answer in answers:
        match answer.question.model:
            case "seats":
                start, end = (
                    datetime.fromisoformat(answer.question.parameters[at]) for at in ("start", "end")
                )
                yield SeatMapRead(LIBRARY, start, end, answer.body)
            case "bookings":
                rows = tuple(answer.body["rows"])
                whole = "next" not in answer.body or answer.body["next"] is None
                student_id = rows[0]["userId"] if rows and whole else None
                yield BookingsRead(answer.position, rows, student_id)
            case _:
                continue


def wrong_libraries(records: Sequence[Record], answers: Iterable[Answer]) -> Iterator[str]:
    """Find answers about the library that are not what the log says at their position."""
    told: dict[int, Any] = {}
    address = None
    for record in records:
        if record.type in ("library.created", "library.updated") and record.facts["libraryId"] == LIBRARY:
            address = record.facts["address"]
        told[record.position] = address
    for answer in answers:
        if answer.question.model == "libraries" and answer.body["address"] != told[answer.position]:
            yield f"at {answer.position}: {answer.body['address']}, not {told[answer.position]}"
