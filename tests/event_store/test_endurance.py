"""The writer outlives what goes wrong beside the database."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from studyspot.event_store.commands import Command
from studyspot.event_store.errors import StoreError, StoreUnavailable
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Appended
from tests.engines import PostgresServer
from tests.event_store.steps import (
    LIMIT,
    await_lock_waiters,
    booked,
    events_with,
    fresh_tag,
    head_locked,
)

CONFIGURED = "from studyspot.telemetry import configure_logging; configure_logging('info', 'json')"
# Every line that is logged raises OSError where it is logged.
RAISING = "structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))"

APPENDING = """
import sys
import structlog
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import NewEvent

exec(sys.argv[3])
with EventStore(sys.argv[1]) as store:
    print("open", flush=True)
    for _ in sys.stdin:
        try:
            store.append([NewEvent("booking.created", b"{}", (sys.argv[2],))])
            print("appended", store.accepts_appends, flush=True)
        except StoreUnavailable:
            print("unavailable", store.accepts_appends, flush=True)
"""


@pytest.fixture
def mortal(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A server that the test may kill."""
    yield postgres_server
    postgres_server.restart()


@pytest.mark.parametrize("logging", [CONFIGURED, RAISING], ids=["configured", "raising"])
def test_a_full_disk_under_the_log_does_not_end_the_writer(
    empty_store: EventStore, mortal: PostgresServer, logging: str
) -> None:
    tag = fresh_tag()
    with (
        open("/dev/full", "w") as full,
        subprocess.Popen(
            [sys.executable, "-c", APPENDING, empty_store.database_url, tag, logging],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdin
            assert process.stdout
            assert process.stdout.readline() == "open\n"

            def append() -> str:
                assert process.stdin
                assert process.stdout
                process.stdin.write("\n")
                process.stdin.flush()
                return process.stdout.readline()

            assert append() == "appended True\n"
            mortal.kill()
            assert append() == "unavailable True\n"
            mortal.restart()
            deadline = time.monotonic() + LIMIT.total_seconds()
            while append() != "appended True\n":
                assert time.monotonic() < deadline, "the writer did not come back"
        finally:
            process.kill()
    assert len(events_with(empty_store, tag)) == 2


class _BrokenWaiter:
    """Who waits so badly that it breaks whoever answers."""

    def set_running_or_notify_cancel(self) -> bool:
        return True

    def set_result(self, result: Appended) -> None:
        raise RuntimeError(result)

    def set_exception(self, exception: StoreError) -> None:
        raise RuntimeError(exception)


class _UnaskableWaiter(_BrokenWaiter):
    def set_running_or_notify_cancel(self) -> bool:
        raise RuntimeError


@pytest.mark.parametrize("waiter", [_BrokenWaiter(), _UnaskableWaiter()])
def test_a_caller_that_breaks_the_writer_does_not_end_it(store: EventStore, waiter: _BrokenWaiter) -> None:
    expired = time.monotonic() - 1
    store.writer.submit(Command((booked(fresh_tag()),), None, None, b"", expired, waiter))
    tag = fresh_tag()
    store.append([booked(tag)])
    assert len(events_with(store, tag)) == 1
    assert store.accepts_appends


def test_a_caller_that_cannot_be_told_leaves_the_others_of_its_batch_appended_once(
    empty_store: EventStore,
) -> None:
    tag, deadline = fresh_tag(), time.monotonic() + LIMIT.total_seconds()
    with head_locked(empty_store.database_url):
        first = empty_store.submit([booked(tag)])
        await_lock_waiters(empty_store.database_url)
        # The others gather behind it, as one batch, and the broken one is the first of them.
        empty_store.writer.submit(Command((booked(tag),), None, None, b"", deadline, _BrokenWaiter()))
        others = [empty_store.submit([booked(tag)]) for _ in range(5)]
    found = [future.result(LIMIT.total_seconds()).position for future in (first, *others)]
    assert found == [1, 3, 4, 5, 6, 7]
    assert len(events_with(empty_store, tag)) == 7


def test_a_closed_store_accepts_no_appends(empty_store: EventStore) -> None:
    other = EventStore(empty_store.database_url)
    assert not other.accepts_appends
    with other:
        assert other.accepts_appends
    assert not other.accepts_appends
    with pytest.raises(StoreUnavailable):
        other.append([booked(fresh_tag())])
