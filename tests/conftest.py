"""Engines for every test that asks for them by name."""

import gc
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.engines import NatsServer, PostgresServer, temporary_home
from tests.machine import on_the_machine, this_run
from tests.run_folder import keep_temporary_files_in_memory

# The same examples in each run: what is found by chance is found by `--hypothesis-profile=random`.
# However slow the machine is, and whatever else it does meanwhile.
UNHURRIED: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("suite", derandomize=True, **UNHURRIED)
settings.register_profile("random", derandomize=False, print_blob=True, **UNHURRIED)
settings.load_profile("suite")


def pytest_configure() -> None:
    let_children_be_interrupted()
    keep_temporary_files_in_memory()
    trust_no_certificates()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are read, nor among them later: that took a fifth of reading them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Begin to read at another place than the other workers: what one has compiled, the others find.

    In a fresh clone each of them compiled all files, their asserts rewritten: half of what it took to begin.
    """
    report = yield
    if isinstance(collector, pytest.Directory):
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        first = worker * len(report.result) // workers
        report.result[:] = report.result[first:] + report.result[:first]
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files of few tests, which are those that take long: so all workers end together.

    A test that needs the machine alone comes in the end, among short ones: nobody waits long for it to begin.
    """
    tests = Counter(item.path for item in items)
    alone = {item.path for item in items if item.get_closest_marker("alone") is not None}
    items.sort(key=lambda item: (item.path in alone, tests[item.path], item.path))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let tests share the machine; the wait for it is none of a test's own time."""
    with on_the_machine(this_run(), alone=item.get_closest_marker("alone") is not None):
        return (yield)


def let_children_be_interrupted() -> None:
    """Let tests interrupt their children, also where a script runs this suite in its background.

    A shell has such a command ignore SIGINT, and its children would inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def trust_no_certificates() -> None:
    """Let HTTP clients begin at once: each would read all certificates that are trusted here, in 50 ms."""
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)  # There are none.


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """This worker's PostgreSQL; a test that kills it restarts it."""
    with temporary_home() as home:
        server = PostgresServer(home)
        try:
            server.engine.start()
            yield server
        finally:
            server.engine.remove()


@pytest.fixture(scope="module")
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh database with StudySpot's tables, shared by the tests of one module."""
    with postgres_server.migrated_database() as url:
        yield url


@pytest.fixture(scope="module")
def empty_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh database without any table, shared by the tests of one module."""
    with postgres_server.empty_database() as url:
        yield url


@pytest.fixture(scope="session")
def nats_worker_server() -> Iterator[NatsServer]:
    """This worker's NATS, as earlier tests left it; ask for `nats_server` instead."""
    with temporary_home() as home:
        server = NatsServer(home)
        try:
            server.engine.start()
            yield server
        finally:
            server.engine.stop()


@pytest.fixture
async def nats_server(nats_worker_server: NatsServer) -> AsyncIterator[NatsServer]:
    """This worker's NATS, running and empty: a handle to kill, freeze and restart it."""
    await nats_worker_server.clean()
    yield nats_worker_server
    if nats_worker_server.engine.is_running():
        nats_worker_server.thaw()


@pytest.fixture
async def nats_url(nats_server: NatsServer) -> str:
    """The administrator's URL of this worker's NATS, which is empty at the start of each test."""
    return nats_server.urls.admin
