"""PostgreSQL goes away, and comes back."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest

from studyspot.event_store.connections import READ_WITHIN
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import ANSWER_WITHIN, DECIDE_WITHIN, STOP_WITHIN, EventStore
from tests.engines import PostgresServer
from tests.event_store.steps import LIMIT, await_until, booked, events_with, fresh_tag, whole_log
from tests.event_store.tcp_proxy import TcpProxy


@pytest.fixture
def mortal(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A server that the test may kill."""
    yield postgres_server
    postgres_server.restart()


def test_nothing_acknowledged_is_lost_or_doubled_when_the_server_is_killed(
    empty_store: EventStore, mortal: PostgresServer
) -> None:
    enough = Event()

    def append_on(caller: int) -> list[tuple[str, int | None]]:
        appended: list[tuple[str, int | None]] = []
        while not enough.is_set():
            tag = fresh_tag()
            try:
                appended.append((tag, empty_store.append([booked(tag)]).position))
            except StoreUnavailable:
                appended.append((tag, None))
        return appended

    with ThreadPoolExecutor(8) as threads:
        callers = [threads.submit(append_on, caller) for caller in range(8)]
        for _ in range(3):
            before = empty_store.head().position
            deadline = time.monotonic() + LIMIT.total_seconds()
            while empty_store.head().position < before + 200:
                assert time.monotonic() < deadline
            mortal.kill()
            mortal.restart()
        enough.set()
        told = {tag: position for caller in callers for tag, position in caller.result(LIMIT.total_seconds())}
    log = whole_log(empty_store)
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    stored = {event.tags[0]: event.position for event in log}
    assert len(stored) == len(log)
    assert {tag: position for tag, position in told.items() if position} == {
        tag: position for tag, position in stored.items() if told[tag]
    }


def test_callers_are_told_within_a_limit_that_the_database_is_away_and_served_when_it_is_back(
    empty_store: EventStore, mortal: PostgresServer
) -> None:
    tag = fresh_tag()
    empty_store.append([booked(tag)])
    empty_store.read()
    mortal.kill()
    for ask, limit in (
        (lambda: empty_store.append([booked(tag)]), min(ANSWER_WITHIN, DECIDE_WITHIN + timedelta(seconds=3))),
        (lambda: empty_store.read(), READ_WITHIN),
        (lambda: empty_store.head(), READ_WITHIN),
        (lambda: empty_store.halt("a mismatch"), READ_WITHIN),
        (lambda: empty_store.new_epoch(), READ_WITHIN),
    ):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            ask()
        assert time.monotonic() - began < limit.total_seconds()
    mortal.restart()
    empty_store.append([booked(tag)])
    assert len(events_with(empty_store, tag)) == 2


def test_a_store_opens_while_the_database_is_away(empty_store: EventStore) -> None:
    with TcpProxy(empty_store.database_url) as proxy:
        # As if nobody listened; a server that begins anew may take longer than an append waits.
        proxy.refusing = True
        with EventStore(proxy.database_url) as late:
            future = late.submit([booked(fresh_tag())])
            await_until(lambda: proxy.refused > 0)
            proxy.refusing = False
            assert future.result(LIMIT.total_seconds()).position == 1


def test_closing_while_the_database_is_away_takes_no_longer_than_its_limit(
    empty_store: EventStore, mortal: PostgresServer
) -> None:
    with EventStore(empty_store.database_url) as store:
        store.append([booked(fresh_tag())])
        mortal.kill()
        future = store.submit([booked(fresh_tag())])
        began = time.monotonic()
    assert time.monotonic() - began < STOP_WITHIN.total_seconds()
    assert isinstance(future.exception(0), StoreUnavailable)


async def test_a_head_signal_survives_the_server(empty_store: EventStore, mortal: PostgresServer) -> None:
    async with HeadSignal(empty_store.database_url) as signal:
        await empty_store.append_async([booked(fresh_tag())])
        assert await signal.wait(0, LIMIT) == 1
        mortal.kill()
        assert await signal.wait(1, timedelta(milliseconds=100)) == 1
        mortal.restart()
        await empty_store.append_async([booked(fresh_tag())])
        assert await signal.wait(1, LIMIT) == 2
