"""Reads: which events match, and that rows, head and answer are of one instant."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from threading import Event

import psycopg
import pytest

from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion
from tests.event_store.steps import booked, fresh_tag

NAMES = ("a1", "b2", "c3", "a4", "d5", "b6")
TAGS = (("x",), ("x", "y"), ("y", "z"), ("z",), (), ("x", "y", "z"))


@pytest.fixture(scope="module")
def small_log(database_url: str) -> Iterator[EventStore]:
    """Six events at positions 1 to 6, whose data are their names."""
    with EventStore(database_url) as store:
        for name, tags in zip(NAMES, TAGS, strict=True):
            store.append([booked(*tags, event_type=name[0], data=name.encode())])
        yield store


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ([], "a1 b2 c3 a4 d5 b6"),
        ([Criterion()], "a1 b2 c3 a4 d5 b6"),
        ([Criterion(("a",))], "a1 a4"),
        ([Criterion(("a", "b", "d"))], "a1 b2 a4 d5 b6"),
        ([Criterion((), ("x",))], "a1 b2 b6"),
        ([Criterion((), ("y", "x"))], "b2 b6"),
        ([Criterion((), ("x", "y", "z"))], "b6"),
        ([Criterion(("b",), ("z",))], "b6"),
        ([Criterion(("a", "c"), ("z",))], "c3 a4"),
        ([Criterion(("a",), ("x",)), Criterion(("b",), ("x",))], "a1 b2 b6"),
        ([Criterion(("a",), ("x",)), Criterion(("d",)), Criterion((), ("y", "z"))], "a1 c3 d5 b6"),
        ([Criterion(("b",), ("x",)), Criterion(("b",), ("y",))], "b2 b6"),
        ([Criterion((), ("x",), after=2)], "b6"),
        ([Criterion((), ("x",), after=2), Criterion((), ("z",))], "c3 a4 b6"),
        ([Criterion(("nothing",), ("x",))], ""),
    ],
)
def test_a_read_returns_what_matches_in_order(
    small_log: EventStore, criteria: list[Criterion], names: str
) -> None:
    for limit, after, until in product((None, 0, 2, 100), (0, 1, 6), (None, 4)):
        snapshot = small_log.read(criteria, after=after, until=until, limit=limit)
        expected = [name for name in names.split() if after < int(name[1]) <= (until or 6)][:limit]
        assert [event.data.decode() for event in snapshot.events] == expected
        assert [event.position for event in snapshot.events] == [int(name[1]) for name in expected]
        assert snapshot.head == 6


def test_a_read_of_settings_returns_the_newest_of_each_type(small_log: EventStore) -> None:
    for criteria, after, names in (
        ([Criterion(("b", "a"), ("x",), newest=True)], 0, "a1 b6"),
        ([Criterion(("b", "a"), ("x",), newest=True)], 1, "b6"),
        ([Criterion(("a",), ("x",), newest=True), Criterion(("b",), ("y",))], 0, "a1 b2 b6"),
        ([Criterion(("b",), ("y",), newest=True), Criterion(("b",), ("x",), newest=True)], 0, "b6"),
    ):
        events = small_log.read(criteria, after=after).events
        assert [event.data.decode() for event in events] == names.split()


def test_an_empty_read_still_tells_the_head_it_was_empty_at(empty_store: EventStore) -> None:
    assert empty_store.read([Criterion(tags=("nothing",))]).head == 0
    empty_store.append([booked("something")])
    assert empty_store.read([Criterion(tags=("nothing",))]).head == 1
    assert empty_store.read(limit=0).head == 1


def test_no_rival_slips_in_between_a_reads_rows_and_its_head(empty_store: EventStore) -> None:
    tag, enough = fresh_tag(), Event()

    def append_on() -> None:
        while not enough.is_set():
            # On a busy machine one may wait too long; it is refused, and others follow.
            with suppress(StoreUnavailable):
                empty_store.append([booked(tag), booked(tag)])

    with ThreadPoolExecutor(2) as threads:
        rivals = [threads.submit(append_on) for _ in range(2)]
        try:
            moved: set[int] = set()
            while len(moved) < 100:
                snapshot = empty_store.read([Criterion(tags=(tag,))])
                # Every event matches: fewer rows than the head says would let a condition after it miss one.
                assert len(snapshot.events) == snapshot.head
                moved.add(snapshot.head)
        finally:
            enough.set()
        for rival in rivals:
            rival.result(20)


def test_pages_end_at_the_head_taken_first(empty_store: EventStore) -> None:
    empty_store.append([booked("x") for _ in range(25)])
    pages = empty_store.pages(3, size=10)
    first = next(pages)
    empty_store.append([booked("x") for _ in range(25)])
    rest = list(pages)
    assert [len(page) for page in (first, *rest)] == [10, 10, 2]
    assert [event.position for page in (first, *rest) for event in page] == list(range(4, 26))
    assert [event.position for page in empty_store.pages(0, until=3) for event in page] == [1, 2, 3]
    assert list(empty_store.pages(50)) == []


def test_a_decisions_read_costs_what_matters_to_it_and_not_the_history(empty_store: EventStore) -> None:
    seat, day = fresh_tag("seat"), fresh_tag()
    with psycopg.connect(empty_store.database_url) as connection:
        for table in ("events", "event_tags"):
            # What the server reads when it cleans by itself is none of a decision's.
            connection.execute(f"ALTER TABLE store.{table} SET (autovacuum_enabled = false)")
    empty_store.append([booked(seat, day)])
    for _ in range(20):
        empty_store.append([booked(seat, event_type="booking.checked-in") for _ in range(500)])
    criteria = [
        Criterion(("seat.added", "booking.created"), (seat,)),
        Criterion(("booking.created",), (day,)),
    ]
    before = _blocks_read(empty_store)
    snapshots = [empty_store.read(criteria, after=0) for _ in range(20)]
    assert all(len(snapshot.events) == 1 for snapshot in snapshots)
    assert _blocks_read(empty_store) - before <= 20 * 12


def _blocks_read(store: EventStore) -> int:
    """How many index and table blocks of the log sessions of this database have looked at."""
    with psycopg.connect(store.database_url) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        [(blocks,)] = connection.execute("""
            SELECT sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit + idx_blks_read, 0))::bigint
            FROM pg_statio_user_tables WHERE relname IN ('events', 'event_tags')""").fetchall()
    return int(blocks)
