"""Several processes append, some of them stop or die, and readers look on."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from studyspot.event_store.errors import ConditionFailed, EventRejected
from studyspot.event_store.store import EventStore
from tests.event_store.steps import (
    LIMIT,
    await_lock_waiters,
    booked,
    errors_of,
    events_with,
    fresh_tag,
    head_locked,
    unchecked,
    unless_booked,
    whole_log,
)
from tests.freezing import freeze

APPENDING = """
import sys
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import NewEvent
with EventStore(sys.argv[1]) as store:
    print("open", flush=True)
    sys.stdin.readline()
    for number in range(int(sys.argv[3])):
        futures = [store.submit([NewEvent("booking.created", b"{}", (sys.argv[2],))]) for _ in range(5)]
        print(*(future.result(20).position for future in futures), flush=True)
"""

HOLDING_THE_LOCK = """
import sys, time
from studyspot.event_store.connections import connect_writer
connection = connect_writer(sys.argv[1])
connection.execute(sys.argv[2])
connection.execute("BEGIN")
connection.execute("SELECT FROM store.head FOR UPDATE")
print("locked", flush=True)
time.sleep(60)
"""


WITHOUT_LIMITS = "SET transaction_timeout = 0; SET idle_in_transaction_session_timeout = 0"
"""Nothing but its end lets go of what a process with these settings has locked."""


def python(script: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def appending(store: EventStore, tag: str, times: int) -> "subprocess.Popen[str]":
    """A process that appends under a tag, so many times, once it is told to go."""
    process = python(APPENDING, store.database_url, tag, str(times))
    assert process.stdout
    assert process.stdout.readline() == "open\n"
    return process


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.fixture
def lock_holder(database_url: str, request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has locked the head, as a writer does, with settings of its own if need be."""
    with python(HOLDING_THE_LOCK, database_url, getattr(request, "param", "SELECT")) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "locked\n"
            yield process
        finally:
            process.kill()


def test_a_reader_beside_two_writing_processes_sees_no_gap_and_nothing_go_back(
    empty_store: EventStore,
) -> None:
    tags = [fresh_tag(), fresh_tag()]
    processes = [appending(empty_store, tag, 100) for tag in tags]
    with head_locked(empty_store.database_url):
        # Both wait for the first append, so that they begin together.
        for process in processes:
            go(process)
        await_lock_waiters(empty_store.database_url, len(processes))
    seen: list[int] = []
    deadline = time.monotonic() + 2 * LIMIT.total_seconds()
    while len(seen) < 1000 and time.monotonic() < deadline:
        for page in empty_store.pages(len(seen), size=50):
            seen += [event.position for event in page]
            assert seen == list(range(1, len(seen) + 1))
    acknowledged = [sorted(map(int, process.communicate()[0].split())) for process in processes]
    assert len(seen) == 1000
    for tag, positions in zip(tags, acknowledged, strict=True):
        assert [event.position for event in events_with(empty_store, tag)] == positions
    # Both were at it at the same time, or the test shows nothing.
    assert acknowledged[0][0] < acknowledged[1][-1]
    assert acknowledged[1][0] < acknowledged[0][-1]


def test_refused_and_rejected_appends_of_two_writers_leave_no_gap(empty_store: EventStore) -> None:
    taken = fresh_tag()
    empty_store.append([booked(taken)])

    def append_on(store: EventStore) -> None:
        for number in range(30):
            command, culprit = unchecked(booked(f"seat-day:\0{number}"))
            futures = [
                store.submit([booked(fresh_tag())]),
                store.submit([booked(taken)], unless_booked(taken)),
            ]
            store.writer.submit(command)
            assert errors_of([*futures, culprit]) == [None, ConditionFailed, EventRejected]

    with EventStore(empty_store.database_url) as other, ThreadPoolExecutor(2) as threads:
        list(threads.map(append_on, (empty_store, other)))
    assert [event.position for event in whole_log(empty_store)] == list(range(1, 62))


def test_a_stopped_process_frees_the_head_lock_in_about_two_seconds(
    store: EventStore, lock_holder: "subprocess.Popen[str]"
) -> None:
    freeze(lock_holder.pid)
    # Whoever waits for longer than an append may is told so: this one had the lock in time.
    store.append([booked(fresh_tag())])
    assert lock_holder.poll() is None


def test_readers_do_not_wait_for_the_head_lock(store: EventStore) -> None:
    with head_locked(store.database_url):
        store.read()
        store.head()


@pytest.mark.parametrize("lock_holder", [WITHOUT_LIMITS], indirect=True)
def test_a_killed_process_frees_the_head_lock_at_once(
    store: EventStore, lock_holder: "subprocess.Popen[str]"
) -> None:
    lock_holder.kill()
    store.append([booked(fresh_tag())])


def test_every_append_of_a_killed_writer_is_there_as_a_whole_or_not_at_all(empty_store: EventStore) -> None:
    for _ in range(5):
        tag, other = fresh_tag(), fresh_tag()
        with appending(empty_store, tag, 10_000) as process:
            go(process)
            assert process.stdout
            lines = [process.stdout.readline() for _ in range(20)]
            process.kill()
            lines += process.stdout.readlines()
        acknowledged = {int(position) for line in lines if line.endswith("\n") for position in line.split()}
        empty_store.append([booked(other)])
        assert acknowledged <= {event.position for event in events_with(empty_store, tag)}
    log = [event.position for event in whole_log(empty_store)]
    assert log == list(range(1, len(log) + 1))


def test_a_loser_in_one_process_never_books_over_the_winner_in_another(store: EventStore) -> None:
    with EventStore(store.database_url) as other, ThreadPoolExecutor(8) as threads:
        seat_days = [fresh_tag() for _ in range(40)]

        def book(store: EventStore) -> list[str]:
            won = []
            for day in seat_days:
                seen = store.read(unless_booked(day).criteria)
                if seen.events:
                    continue
                try:
                    store.append([booked(day)], unless_booked(day, after=seen.head))
                    won.append(day)
                except ConditionFailed:
                    continue
            return won

        winners = [day for days in threads.map(book, [store, other] * 4) for day in days]
    assert sorted(winners) == sorted(seat_days)
    assert len(events_with(store, *seat_days)) == len(seat_days)
