"""A COMMIT whose answer never arrives: the writer finds out what happened, and tells the truth."""

from collections.abc import Iterator

import psycopg
import pytest

from studyspot.event_store.errors import AnsweredBefore, ConditionFailed, StoreUnavailable
from studyspot.event_store.store import EventStore
from tests.event_store.steps import (
    LIMIT,
    await_lock_waiters,
    await_until,
    booked,
    errors_of,
    events_with,
    fresh_tag,
    head_locked,
    key_of,
    unless_booked,
    whole_log,
)
from tests.event_store.tcp_proxy import Loss, TcpProxy
from tests.freezing import freeze, thaw


@pytest.fixture
def proxy(database_url: str) -> Iterator[TcpProxy]:
    with TcpProxy(database_url) as proxy:
        yield proxy


@pytest.fixture
def far_store(proxy: TcpProxy) -> Iterator[EventStore]:
    """A store that reaches its database through the proxy, and has a session with it."""
    with EventStore(proxy.database_url) as store:
        store.append([booked(fresh_tag())])
        yield store


@pytest.mark.parametrize("loss", list(Loss))
def test_an_append_happens_exactly_once_and_its_caller_hears_so(
    store: EventStore, far_store: EventStore, proxy: TcpProxy, loss: Loss
) -> None:
    tag = fresh_tag()
    proxy.lose_next_batch(loss)
    appended = far_store.append([booked(tag, data=b"1"), booked(tag, data=b"2")], unless_booked(tag))
    assert proxy.lost.is_set()
    events = events_with(store, tag)
    assert [event.data for event in events] == [b"1", b"2"]
    assert (events[-1].position, events[-1].epoch) == (appended.position, appended.epoch)


@pytest.mark.parametrize("loss", list(Loss))
def test_winners_losers_and_twins_of_a_lost_batch_each_hear_the_truth(
    store: EventStore, far_store: EventStore, proxy: TcpProxy, loss: Loss
) -> None:
    taken, tags, key = fresh_tag(), [fresh_tag() for _ in range(20)], key_of(fresh_tag("user"))
    store.append([booked(taken)])
    with head_locked(store.database_url):
        blocked = far_store.submit([booked(fresh_tag())])
        await_lock_waiters(store.database_url)
        winners = [far_store.submit([booked(tag)], unless_booked(tag)) for tag in tags]
        loser = far_store.submit([booked(taken)], unless_booked(taken))
        keyed = far_store.submit([booked(tags[0])], key=key, answer=b"201")
        twin = far_store.submit([booked(tags[0])], key=key, answer=b"201")
        defeated = far_store.submit([booked(tags[1])], unless_booked(tags[1]))
        proxy.lose_next_batch(loss)
    outcomes = errors_of([blocked, *winners, loser, keyed, twin, defeated])
    assert outcomes == [None] * 21 + [ConditionFailed, None, AnsweredBefore, ConditionFailed]
    assert proxy.lost.wait(LIMIT.total_seconds())
    positions = [future.result().position for future in winners]
    assert [event.position for event in events_with(store, *tags)] == [*positions, keyed.result().position]
    log = [event.position for event in whole_log(store)]
    assert log == list(range(1, len(log) + 1))


def test_a_batch_that_reaches_the_server_after_its_successor_appends_nothing(
    store: EventStore, far_store: EventStore, proxy: TcpProxy
) -> None:
    tag = fresh_tag()
    proxy.lose_next_batch(Loss.ON_THE_WAY)
    appended = far_store.append([booked(tag)])
    head = store.head()
    proxy.deliver()
    assert [event.position for event in events_with(store, tag)] == [appended.position]
    assert store.head() == head


def test_a_caller_who_was_sent_away_before_the_truth_was_known_does_not_stop_the_writer(
    store: EventStore, far_store: EventStore, proxy: TcpProxy
) -> None:
    tag = fresh_tag()
    proxy.lose_next_batch(Loss.AFTER_THE_COMMIT)
    future = far_store.submit([booked(tag)])
    assert proxy.lost.wait(LIMIT.total_seconds())
    proxy.refusing = True
    assert errors_of([future]) == [StoreUnavailable]
    proxy.refusing = False
    far_store.append([booked(tag)])
    assert len(events_with(store, tag)) == 2


def test_a_server_process_that_stops_costs_its_callers_a_while_and_nothing_happens_twice(
    store: EventStore,
) -> None:
    tag = fresh_tag()
    store.append([booked(tag)])
    with psycopg.connect(store.database_url) as connection:
        # The last to commit: those of earlier tests may still be going.
        [(backend,)] = connection.execute("""
            SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'COMMIT'
            AND application_name = 'studyspot-store' ORDER BY state_change DESC LIMIT 1""").fetchall()
    freeze(backend)
    try:
        appended = store.append([booked(tag)])
    finally:
        thaw(backend)
    with psycopg.connect(store.database_url, autocommit=True) as connection:

        def ended() -> bool:
            return not connection.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [backend]).fetchall()

        await_until(ended)
    store.append([booked(tag)])
    assert [event.position for event in events_with(store, tag)][1:] == [
        appended.position,
        appended.position + 1,
    ]


def test_a_terminated_backend_costs_its_callers_nothing(store: EventStore) -> None:
    tag = fresh_tag()
    store.append([booked(tag)])
    for _ in range(5):
        with psycopg.connect(store.database_url) as connection:
            connection.execute("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()""")
        store.append([booked(tag)])
        assert store.read(unless_booked(tag).criteria).head == store.head().position
    assert len(events_with(store, tag)) == 6
