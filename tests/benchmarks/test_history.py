"""An invented history: possible by the deciders' rules, in the product's own bytes, the same for a seed."""

from collections import Counter

import psycopg
import pytest
from benchmarks.history import History, write_history

from studyspot.catalogue.codec import decode, encode
from studyspot.catalogue.tags import tags_of
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import StoredEvent
from tests.benchmarks.retelling import Retelling
from tests.engines import PostgresServer

EVENTS = 3_000

DEFINITIONS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'store'::regnamespace
    UNION ALL
    SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'store'
    ORDER BY 1, 2, 3"""


@pytest.fixture(scope="module")
def history(database_url: str) -> History:
    return write_history(database_url, EVENTS)


@pytest.fixture(scope="module")
def stored(history: History, database_url: str) -> list[StoredEvent]:
    with EventStore(database_url) as store:
        return [event for page in store.pages(0) for event in page]


def test_the_log_is_whole_under_one_epoch(
    history: History, stored: list[StoredEvent], database_url: str
) -> None:
    assert [event.position for event in stored] == list(range(1, EVENTS + 1))
    assert {event.epoch for event in stored} == {history.epoch}
    with EventStore(database_url) as store:
        head = store.head()
    assert (head.position, head.epoch, head.halted) == (EVENTS, history.epoch, None)


def test_each_event_has_the_bytes_and_tags_that_the_catalogue_gives(stored: list[StoredEvent]) -> None:
    for event in stored:
        happened, metadata = decode(event.type, event.data)
        assert encode(happened, metadata) == event.data
        assert tags_of(happened) == event.tags


def test_the_tag_index_holds_each_tag_of_each_event(stored: list[StoredEvent], database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT tag, type, position FROM store.event_tags").fetchall()
    assert set(rows) == {(tag, event.type, event.position) for event in stored for tag in event.tags}
    assert len(rows) == sum(len(event.tags) for event in stored)


def test_each_event_is_what_a_decision_at_that_moment_comes_to(stored: list[StoredEvent]) -> None:
    retelling = Retelling()
    for event in stored:
        happened, metadata = decode(event.type, event.data)
        assert retelling.decided(happened, metadata) == happened
        retelling.take(happened)


def test_time_never_runs_back(stored: list[StoredEvent]) -> None:
    times = [decode(event.type, event.data)[1].time for event in stored]
    assert times == sorted(times)


def test_nearly_all_is_about_bookings_and_every_kind_of_event_occurs(
    history: History, stored: list[StoredEvent]
) -> None:
    kinds = Counter(event.type for event in stored)
    booked = sum(number for kind, number in kinds.items() if kind.startswith("booking."))
    assert 0.83 < booked / EVENTS < 0.89
    # Nothing is rescheduled, held, paid or notified; and a library that is retired has no more history.
    assert len(kinds) == 13
    assert (history.libraries, history.seats, history.bookings) == (
        kinds["library.created"],
        kinds["seat.added"],
        kinds["booking.created"],
    )
    assert history.ended_at == decode(stored[-1].type, stored[-1].data)[1].time


def test_the_same_seed_gives_the_same_events_and_another_one_others(
    stored: list[StoredEvent], postgres_server: PostgresServer
) -> None:
    def written(seed: int) -> list[tuple[str, tuple[str, ...], bytes]]:
        with postgres_server.migrated_database() as url:
            write_history(url, EVENTS, seed=seed)
            with EventStore(url) as store:
                return [(event.type, event.tags, event.data) for page in store.pages(0) for event in page]

    first = [(event.type, event.tags, event.data) for event in stored]
    assert written(1) == first
    assert written(2) != first


def test_tables_are_defined_afterwards_as_before(postgres_server: PostgresServer) -> None:
    with postgres_server.migrated_database() as url, psycopg.connect(url, autocommit=True) as connection:
        before = connection.execute(DEFINITIONS).fetchall()
        write_history(url, 200)
        assert connection.execute(DEFINITIONS).fetchall() == before
    assert any("event_tags_pkey" in row for row in before)


@pytest.mark.parametrize("events", [1, 10, 200])
def test_a_short_history_has_as_many_events_as_asked_for(
    events: int, postgres_server: PostgresServer
) -> None:
    with postgres_server.migrated_database() as url:
        assert write_history(url, events).events == events
        with EventStore(url) as store:
            assert sum(len(page) for page in store.pages(0)) == events


def test_a_store_with_events_is_left_alone(history: History, database_url: str) -> None:
    with pytest.raises(ValueError, match="holds events already"):
        write_history(database_url, 10)
