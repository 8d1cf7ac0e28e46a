"""DCB subscriptions: they block at the end of the log, and wake."""

import time
from concurrent.futures import Future
from statistics import median
from threading import Thread

import psycopg
import pytest
from eventsourcing.dcb.api import DCBQuery, DCBQueryItem, DCBSequencedEvent, DCBSubscription

from studyspot.event_store.recorder import PostgresRecorder
from studyspot.event_store.store import EventStore
from tests.event_store.steps import LIMIT, booked, fresh_tag


def next_in_thread(subscription: DCBSubscription[PostgresRecorder]) -> "Future[DCBSequencedEvent | None]":
    """Ask for the next event in a thread; None when the subscription ends."""
    future: Future[DCBSequencedEvent | None] = Future()
    Thread(target=lambda: future.set_result(next(subscription, None)), daemon=True).start()
    return future


def test_stopping_wakes_who_waits_at_once(store: EventStore) -> None:
    waits = []
    for number in range(7):
        with PostgresRecorder(store).subscribe(after=store.head().position) as subscription:
            waiting = next_in_thread(subscription)
            with pytest.raises(TimeoutError):
                waiting.result(0.1 + 0.02 * number)
            began = time.monotonic()
            subscription.stop()
            assert waiting.result(LIMIT.total_seconds()) is None
            waits.append(time.monotonic() - began)
            assert next(subscription, None) is None
    # Its next look, after up to 250 ms, would take half of that in the middle.
    assert median(waits) < 0.06


def test_a_subscription_yields_what_matches_and_lets_the_rest_pass(store: EventStore) -> None:
    tag = fresh_tag()
    query = DCBQuery([DCBQueryItem(types=["a"], tags=[tag]), DCBQueryItem(types=["b"], tags=[tag])])
    store.append([booked(tag, event_type=event_type) for event_type in "abcabc"])
    with PostgresRecorder(store).subscribe(query) as subscription:
        assert [next(subscription).event.type for _ in range(4)] == ["a", "b", "a", "b"]
        waiting = next_in_thread(subscription)
        store.append([booked(tag, event_type="c")])
        position = store.append([booked(tag, event_type="b")]).position
        event = waiting.result(LIMIT.total_seconds())
        assert event
        assert (event.event.type, event.position) == ("b", position)


def test_a_long_log_is_read_through_in_order(empty_store: EventStore) -> None:
    for _ in range(3):
        empty_store.append([booked("x", data=str(number).encode()) for number in range(400)])
    with PostgresRecorder(empty_store).subscribe(after=100) as subscription:
        assert [next(subscription).position for _ in range(1100)] == list(range(101, 1201))


def test_a_subscription_goes_on_when_its_connections_are_cut(store: EventStore) -> None:
    tag = fresh_tag()
    query = DCBQuery([DCBQueryItem(tags=[tag])])
    with PostgresRecorder(store).subscribe(query) as subscription:
        for _ in range(3):
            waiting = next_in_thread(subscription)
            with psycopg.connect(store.database_url) as connection:
                connection.execute("""
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()""")
            position = store.append([booked(tag)]).position
            event = waiting.result(LIMIT.total_seconds())
            assert event
            assert event.position == position
