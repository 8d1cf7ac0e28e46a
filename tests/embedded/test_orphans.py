"""What a parent that was killed leaves behind, and what the next start does about it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from studyspot.embedded.identity import ProcessIdentity, identify
from studyspot.embedded.nats import EmbeddedNats
from studyspot.embedded.postgres import EmbeddedPostgres
from studyspot.embedded.processes import stop_orphan
from studyspot.embedded.waiting import wait_until
from tests.engines import temporary_home

LIMIT = timedelta(seconds=60)
# Children of another than the main thread are not told by the kernel when their parent dies.
PARENT = """
import json, sys, threading
from pathlib import Path
from studyspot.embedded.nats import EmbeddedNats
from studyspot.embedded.postgres import EmbeddedPostgres
import psycopg
home, in_main_thread = Path(sys.argv[1]), sys.argv[2] == "main"
postgres, nats = EmbeddedPostgres(home), EmbeddedNats(home)
def start():
    with psycopg.connect(postgres.start()) as connection:
        connection.execute("CREATE TABLE seat AS SELECT 7 AS number")
    nats.start()
    print(json.dumps([postgres.pid, nats.pid]), flush=True)
    if not in_main_thread:
        threading.Event().wait()
if in_main_thread:
    start()
else:
    threading.Thread(target=start, daemon=True).start()
sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home
        EmbeddedPostgres(home).remove()


@contextmanager
def killed_parent(home: Path, thread: str) -> Iterator[list[ProcessIdentity]]:
    """The engines of a parent that has just been killed; whatever is left of them ends with the context."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(home), thread], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    engines: list[ProcessIdentity] = []
    try:
        assert parent.stdout is not None
        for line in parent.stdout:
            if line.startswith(b"["):
                engines = [found for pid in json.loads(line) if (found := identify(pid))]
                break
        assert len(engines) == 2
        parent.kill()
        parent.wait()
        yield engines
    finally:
        parent.kill()
        parent.communicate()
        for engine in engines:
            if engine.is_alive():
                os.kill(engine.pid, signal.SIGKILL)


def test_the_next_start_stops_the_orphans_of_a_killed_parent_and_keeps_their_data(home: Path) -> None:
    with killed_parent(home, "other") as orphans:
        assert all(orphan.is_alive() for orphan in orphans)
        postgres, nats = EmbeddedPostgres(home), EmbeddedNats(home)
        try:
            with psycopg.connect(postgres.start()) as connection:
                assert connection.execute("SELECT number FROM seat").fetchall() == [(7,)]
            nats.start()
            assert not any(orphan.is_alive() for orphan in orphans)
        finally:
            nats.stop()
            postgres.stop()


def test_an_orphan_is_found_by_its_data_directory_when_its_record_is_lost(home: Path) -> None:
    with killed_parent(home, "other") as (orphan, _):
        (home / "run" / "postgres.json").unlink()
        postgres = EmbeddedPostgres(home)
        try:
            postgres.start()
            assert not orphan.is_alive()
        finally:
            postgres.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_engines_die_with_their_parent(home: Path) -> None:
    with killed_parent(home, "main") as engines:
        assert wait_until(lambda: not any(engine.is_alive() for engine in engines), LIMIT)


def test_a_stranger_that_was_given_the_pid_again_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            record = tmp_path / "engine.json"
            record.write_text(json.dumps({"pid": stranger.pid, "started": "long ago"}))
            assert not stop_orphan(record)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_stale_pid_file_that_names_a_living_process_does_not_stop_postgres(home: Path) -> None:
    postgres = EmbeddedPostgres(home)
    try:
        postgres.start()
        assert postgres.pid is not None
        pid_file = postgres.data_directory() / "postmaster.pid"
        stale = pid_file.read_text()
        postgres.stop()
        with subprocess.Popen(["sleep", "60"]) as stranger:
            try:
                pid_file.write_text(stale.replace(stale.split("\n", 1)[0], str(stranger.pid), 1))
                postgres.start()
                assert stranger.poll() is None
            finally:
                stranger.kill()
    finally:
        postgres.stop()
