"""Supervision: ready at the start, back after a death, gone at the end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from studyspot.embedded.errors import StartFailed
from studyspot.embedded.identity import identify
from studyspot.embedded.nats import EmbeddedNats
from studyspot.embedded.ports import free_port
from studyspot.embedded.postgres import EmbeddedPostgres
from studyspot.embedded.supervisor import ChildSpec, Supervisor, supervised
from tests.engines import temporary_home

LIMIT = 60
SERVICE = """
import http.server, os, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(os.environ["STATUS"]))
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""


def service(name: str, script: str = SERVICE, status: int = 200) -> ChildSpec:
    port = free_port()
    return ChildSpec(
        name=name,
        argv=(sys.executable, "-c", script, str(port)),
        environment={"STATUS": str(status)},
        ready_url=f"http://127.0.0.1:{port}/ready",
    )


def starting_another(note: Path) -> str:
    """The lines of a script that starts a process of its own and notes which."""
    return f"""
import pathlib, subprocess
pathlib.Path({str(note)!r}).write_text(str(subprocess.Popen(["sleep", "60"]).pid))
"""


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


async def test_all_are_ready_inside_and_gone_after_it(home: Path) -> None:
    async with supervised(home, [], [service("relay"), service("api")]) as supervisor:
        processes = [identify(supervisor.pid_of(name)) for name in ("relay", "api")]
        assert all(processes)
    assert not any(process.is_alive() for process in processes if process)
    assert not list((home / "run").iterdir())


async def test_a_child_that_is_killed_comes_back(home: Path) -> None:
    async with supervised(home, [], [service("relay")]) as supervisor:
        first = supervisor.pid_of("relay")
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.pid_of("relay") != first)
        assert identify(supervisor.pid_of("relay")) is not None


async def test_what_a_killed_child_had_started_is_gone_before_it_comes_back(home: Path) -> None:
    note = home / "grandchildren"
    async with supervised(home, [], [service("fanout", starting_another(note) + SERVICE)]) as supervisor:
        first = supervisor.pid_of("fanout")
        grandchild = identify(int(note.read_text()))
        assert grandchild is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.pid_of("fanout") != first)
        assert not grandchild.is_alive()


async def test_a_child_that_ends_at_its_start_is_told_with_its_last_words_and_the_others_are_stopped(
    home: Path,
) -> None:
    failing = service("api", "raise SystemExit('port 8000 is taken')")
    with pytest.raises(StartFailed, match="api ended at its start: port 8000 is taken"):
        async with supervised(home, [], [service("relay"), failing]):
            pytest.fail("it must not get ready")
    assert not list((home / "run").iterdir())


async def test_a_child_that_never_gets_ready_is_told_within_the_limit(home: Path) -> None:
    supervisor = Supervisor(home, [], [service("api", status=503)])
    try:
        with pytest.raises(StartFailed, match="api did not become ready"):
            await supervisor.start(timedelta(seconds=1))
    finally:
        await supervisor.stop()


async def test_an_error_inside_is_told_as_itself_and_leaves_nothing_running(home: Path) -> None:
    with pytest.raises(LookupError):
        async with supervised(home, [], [service("relay")]):
            raise LookupError
    assert not list((home / "run").iterdir())


async def test_killed_engines_come_back_on_their_ports_with_their_data(home: Path) -> None:
    postgres, nats = EmbeddedPostgres(home), EmbeddedNats(home)
    try:
        url = postgres.start()
        nats_urls = nats.start()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE seat AS SELECT 7 AS number")
        async with supervised(home, [postgres, nats], []):
            killed = (postgres.pid, nats.pid)
            for pid in killed:
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
            await until(lambda: postgres.pid not in killed and nats.pid not in killed)
            await until(lambda: answers(url))
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT number FROM seat").fetchall() == [(7,)]
            assert nats.urls() == nats_urls
        assert not postgres.is_running()
        assert not nats.is_running()
    finally:
        nats.stop()
        postgres.remove()
