"""The engines of the tests themselves: a migrated database each, and nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from studyspot.embedded.identity import ProcessIdentity, identify
from studyspot.embedded.waiting import wait_until
from tests.engines import PostgresServer, temporary_home

ROOT = Path(__file__).parents[2]
LIMIT = timedelta(seconds=60)
HANGING_TEST = """
import pathlib, time

def test_it_hangs(postgres_server, nats_worker_server):
    pids = f"{postgres_server.engine.pid} {nats_worker_server.engine.pid}"
    pathlib.Path(__file__).with_name("unfinished").write_text(pids)
    pathlib.Path(__file__).with_name("unfinished").rename(pathlib.Path(__file__).with_name("pids"))
    time.sleep(60)
"""


def test_a_module_gets_studyspots_tables_in_a_database_of_its_own(
    postgres_server: PostgresServer, database_url: str
) -> None:
    with postgres_server.migrated_database() as other, psycopg.connect(database_url) as connection:
        assert other != database_url
        tables = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchone()
    assert tables is not None
    assert tables[0] > 0


@pytest.fixture
def scratch() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGINT, "0"), (signal.SIGTERM, "0"), (signal.SIGKILL, "1")]
)
def test_an_interrupted_test_run_leaves_no_engine_behind(
    scratch: Path, number: signal.Signals, workers: str
) -> None:
    (scratch / "test_hanging.py").write_text(HANGING_TEST)
    run = subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"),
            *("-n", workers, "-c", str(ROOT / "pyproject.toml"), str(scratch / "test_hanging.py")),
        ],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    engines: list[ProcessIdentity] = []
    try:
        pids = scratch / "pids"
        assert wait_until(lambda: pids.exists() or run.poll() is not None, LIMIT)
        engines = [found for pid in pids.read_text().split() if (found := identify(int(pid)))]
        assert len(engines) == 2
        run.send_signal(number)
        assert wait_until(lambda: not any(engine.is_alive() for engine in engines), LIMIT)
    finally:
        run.kill()
        run.wait()
