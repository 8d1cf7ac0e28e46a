"""The parent of a fan-out's workers: what dies comes back, what cannot begin is told, all end together."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from studyspot.console.fanout_workers import MOST_FAILED_STARTS, FanoutWorkers
from studyspot.console.faults import Fault
from studyspot.embedded.identity import identify
from tests.freezing import freeze, thaw

LIMIT = 60
WORKER = """
import json, os, select, signal, socket, sys, time
def report(ready=True, **details):
    parent.sendall(json.dumps({"ready": ready, "details": details, "degraded": {}}).encode() + b"\\n")
parent, number = socket.socket(fileno=0), int(sys.argv[2])
"""
TELLS = """
while not select.select([parent], [], [], 0.2)[0]: report({})
parent.recv(1)
"""
"""Again and again, as real ones do, until the parent is gone."""
SERVES = TELLS.format("sockets=number * 10")
TALKS = "while True: report(); time.sleep(0.05)"


def workers(script: str, count: int = 2, *, note: Path | None = None, **options: object) -> FanoutWorkers:
    """Workers that run a script, and write to `note` if they like."""
    environment = os.environ | {"NOTE": str(note)}
    return FanoutWorkers([sys.executable, "-c", WORKER + script], environment, count, **options)  # type: ignore[arg-type]


@asynccontextmanager
async def running(workers: FanoutWorkers) -> AsyncIterator[None]:
    stopped = asyncio.Event()
    run = asyncio.create_task(workers.run(stopped))
    try:
        yield
    finally:
        stopped.set()
        async with asyncio.timeout(LIMIT):
            await run


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def pids(workers: FanoutWorkers) -> list[int]:
    return [worker["pid"] for worker in workers.health()["workers"]]


async def test_all_are_ready_when_each_has_said_so_and_gone_after_the_end() -> None:
    two = workers(SERVES)
    assert not two.readiness().ready
    async with running(two):
        await until(lambda: two.readiness().ready)
        told = two.readiness().details["workers"]
        assert [(worker["worker"], worker["sockets"]) for worker in told] == [(1, 10), (2, 20)]
        processes = pids(two)
    assert not any(map(identify, processes))


async def test_one_that_is_not_ready_is_told_though_the_other_is() -> None:
    two = workers(TELLS.format("ready=number == 1, staleSince='now'"))
    async with running(two):
        await until(lambda: all(worker.get("staleSince") for worker in two.readiness().details["workers"]))
        assert not two.readiness().ready
        assert [worker["ready"] for worker in two.readiness().details["workers"]] == [True, False]


async def test_one_that_is_killed_comes_back_and_its_death_is_told() -> None:
    died: list[int] = []
    two = workers(SERVES, on_death=died.append)
    async with running(two):
        await until(lambda: two.readiness().ready)
        first, second = pids(two)
        os.kill(first, signal.SIGKILL)
        await until(lambda: two.readiness().ready and pids(two)[0] != first)
        assert died == [first]
        assert pids(two)[1] == second
        assert [worker["restarts"] for worker in two.health()["workers"]] == [1, 0]
    assert died == [first], "that all end at the end is no death"


async def test_workers_that_end_at_their_start_again_and_again_end_the_parent_with_the_reason() -> None:
    died: list[int] = []
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(LIMIT):
            await workers("sys.exit(7)", 1, on_death=died.append).run(asyncio.Event())
    (fault,) = raised.value.exceptions
    assert isinstance(fault, Fault)
    assert fault.what.endswith("ended 3 times before it was ready, last with exit status 7.")
    assert len(died) == MOST_FAILED_STARTS


async def test_a_program_that_cannot_be_run_is_told_as_the_reason() -> None:
    missing = FanoutWorkers(["/no/such/program"], {}, 1)
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(LIMIT):
            await missing.run(asyncio.Event())
    assert "last with no start: [Errno 2] No such file" in str(raised.value.exceptions[0])


async def test_one_that_cannot_start_does_not_end_those_that_serve(tmp_path: Path) -> None:
    note = tmp_path / "starts"
    failing = "if number == 2: open(os.environ['NOTE'], 'a').write('x'); sys.exit(1)"
    two = workers(failing + SERVES, note=note)
    async with running(two):
        await until(lambda: note.exists() and len(note.read_text()) > MOST_FAILED_STARTS)
        await until(lambda: [one["ready"] for one in two.readiness().details["workers"]] == [True, False])


async def test_the_end_is_told_to_all_at_once_and_waits_until_they_have_drained(tmp_path: Path) -> None:
    note = tmp_path / "drained"
    draining = """
def drain(*_):
    with open(os.environ["NOTE"], "a") as note:
        note.write("begins ")
        note.flush()
        while open(os.environ["NOTE"]).read().count("begins") < 2:
            time.sleep(0.01)
        note.write("drained ")
    sys.exit(0)
signal.signal(signal.SIGTERM, drain)
"""
    two = workers(draining + SERVES, note=note)
    async with running(two):
        await until(lambda: two.readiness().ready)
    assert note.read_text().split() == ["begins", "begins", "drained", "drained"]


async def test_one_that_does_not_end_is_killed_within_the_limit() -> None:
    stubborn = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nreport()\ntime.sleep(60)"
    one = workers(stubborn, 1, stopped_within=timedelta(milliseconds=300))
    async with running(one):
        await until(lambda: one.readiness().ready)
        (process,) = pids(one)
    assert not identify(process)


async def test_one_that_says_nothing_any_more_is_not_ready() -> None:
    one = workers(TALKS, 1, silent_after=timedelta(seconds=1))
    async with running(one):
        await until(lambda: one.readiness().ready)
        (process,) = pids(one)
        freeze(process)
        await until(lambda: not one.readiness().ready)
        thaw(process)
        await until(lambda: one.readiness().ready)


async def test_one_that_hangs_is_killed_and_started_again() -> None:
    died: list[int] = []
    two = workers(TALKS, on_death=died.append, hung_after=timedelta(seconds=4))
    async with running(two):
        await until(lambda: two.readiness().ready)
        first, second = pids(two)
        freeze(first)
        await until(lambda: died == [first] and two.readiness().ready)
        assert pids(two)[1] == second
        assert [worker["restarts"] for worker in two.health()["workers"]] == [1, 0]


async def test_one_that_hangs_before_it_has_told_anything_is_started_again(tmp_path: Path) -> None:
    note = tmp_path / "starts"
    first_hangs = "note = open(os.environ['NOTE'], 'a+'); note.write('x'); note.flush(); note.seek(0)\n"
    first_hangs += "if note.read() == 'x': time.sleep(60)\n"
    one = workers(first_hangs + TALKS, 1, note=note, hung_after=timedelta(seconds=4))
    async with running(one):
        await until(lambda: one.readiness().ready)
    assert note.read_text() == "xx"


async def test_the_end_of_the_parent_reaches_them_through_what_joins_them() -> None:
    """A parent that is killed closes it as well."""
    parent = f"""
import asyncio, os, sys
from studyspot.console.fanout_workers import FanoutWorkers
async def main():
    workers = FanoutWorkers([sys.executable, "-c", {WORKER + SERVES!r}], dict(os.environ), 2)
    run = asyncio.create_task(workers.run(asyncio.Event()))
    while not workers.readiness().ready:
        await asyncio.sleep(0.01)
    print(*(worker["pid"] for worker in workers.health()["workers"]), flush=True)
    await run
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT):
        processes = [*map(int, (await process.stdout.readline()).split())]
        assert len(processes) == 2
        process.kill()
        await process.wait()
    await until(lambda: not any(map(identify, processes)))
