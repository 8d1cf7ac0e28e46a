"""The audit of the store: each kind of fault, planted by hand, is found and named, and nothing else is."""

from collections.abc import Iterator

import psycopg
import pytest
from benchmarks.history import History, write_history

from studyspot.event_store import inspection as inspection_module
from studyspot.event_store.inspection import Inspection
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import NewEvent
from studyspot.log_audit.findings import Difference, Findings, Stage
from studyspot.log_audit.slices import SLICE, audit_events
from studyspot.log_audit.tag_index import audit_tag_index
from tests.engines import PostgresServer

EVENTS = 300

Found = dict[str, tuple[int, int | None]]
"""By kind, how many differences there are, and the position of the first."""


@pytest.fixture
def log_url(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.migrated_database() as url:
        yield url


@pytest.fixture
def history(log_url: str) -> History:
    return write_history(log_url, EVENTS)


def plant(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def differences(url: str, *, processes: int = 1, slice_positions: int = SLICE) -> tuple[Difference, ...]:
    findings = Findings()
    with Inspection(url) as inspection:
        ends = inspection.ends()
        audit_events(url, ends, findings, unwatched, processes=processes, slice_positions=slice_positions)
        audit_tag_index(inspection, ends.position, findings, unwatched)
    return findings.differences


def unwatched(stage: Stage, done: int, total: int) -> None:
    """Nobody watches the progress."""


def found(url: str) -> Found:
    return {known.kind: (known.count, known.position) for known in differences(url)}


def test_a_store_as_we_write_it_has_no_differences(history: History, log_url: str) -> None:
    assert differences(log_url) == ()


def test_an_empty_store_has_no_differences(log_url: str) -> None:
    assert differences(log_url) == ()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("UPDATE store.events SET epoch = 'k-0' WHERE position IN (7, 9)", {"epoch-wrong": (2, 7)}),
        ("UPDATE store.head SET epoch = 'k-0'", {"epoch-wrong": (1, None)}),
        (
            "UPDATE store.head SET position = position - 2",
            # What their tags call for is beyond the head with them.
            {"event-outside": (2, EVENTS - 1)},
        ),
        (
            "UPDATE store.head SET position = position + 3",
            {"position-missing": (3, EVENTS + 1)},
        ),
        (
            """INSERT INTO store.events
            SELECT -4, epoch, type, '{}', data FROM store.events WHERE position = 1""",
            {"event-outside": (1, -4)},
        ),
        ("UPDATE store.events SET data = '{\"v\":1}' WHERE position = 8", {"event-unreadable": (1, 8)}),
        (
            "UPDATE store.events SET data = replace(encode(data, 'escape'), '\"v\":1', '\"v\":99')::bytea"
            " WHERE position = 8",
            {"event-unknown": (1, 8)},
        ),
    ],
)
def test_a_fault_of_heads_and_events_is_found(
    fault: str, expected: Found, history: History, log_url: str
) -> None:
    plant(log_url, fault)
    assert found(log_url) == expected


def test_lost_events_are_found_with_what_is_left_of_them(history: History, log_url: str) -> None:
    with psycopg.connect(log_url) as connection:
        [(left,)] = connection.execute(
            "SELECT sum(cardinality(tags)) FROM store.events WHERE position IN (50, 51, 60)"
        ).fetchall()
    plant(log_url, "DELETE FROM store.events WHERE position IN (50, 51, 60)")
    assert found(log_url) == {"position-missing": (3, 50), "tag-row-extra": (left, 50)}
    assert differences(log_url)[0].first == "no events at positions 50 to 51"


def test_a_type_that_this_release_does_not_know_is_told(history: History, log_url: str) -> None:
    renamed = "UPDATE store.{} SET type = 'seat.painted' WHERE position = 12"
    plant(log_url, renamed.format("events"), renamed.format("event_tags"))
    (unknown,) = differences(log_url)
    assert (unknown.kind, unknown.count, unknown.position) == ("event-unknown", 1, 12)
    assert "seat.painted" in unknown.first


def test_an_index_row_of_another_type_is_one_too_many_and_one_too_few(history: History, log_url: str) -> None:
    plant(
        log_url,
        """UPDATE store.event_tags SET type = 'seat.painted'
        WHERE position = 12 AND tag = (SELECT tags[1] FROM store.events WHERE position = 12)""",
    )
    assert found(log_url) == {"tag-row-missing": (1, 12), "tag-row-extra": (1, 12)}


def test_tags_that_the_catalogue_does_not_give_are_found(history: History, log_url: str) -> None:
    plant(
        log_url,
        "UPDATE store.events SET tags = tags || '{seat:another}' WHERE position = 20",
        "INSERT INTO store.event_tags SELECT 'seat:another', type, 20 FROM store.events WHERE position = 20",
    )
    # The index follows the event, so that only its tags are wrong.
    (wrong,) = differences(log_url)
    assert (wrong.kind, wrong.position) == ("tags-wrong", 20)
    assert "seat:another" in wrong.first


def test_tags_of_an_event_in_another_order_are_the_same_tags(history: History, log_url: str) -> None:
    plant(log_url, "UPDATE store.events SET tags = (SELECT array_agg(t ORDER BY t DESC) FROM unnest(tags) t)")
    assert differences(log_url) == ()


def test_a_tag_twice_in_one_event_is_found(history: History, log_url: str) -> None:
    plant(log_url, "UPDATE store.events SET tags = tags || tags[1] WHERE position = 20")
    assert found(log_url) == {"tags-wrong": (1, 20)}


def test_missing_and_extra_index_rows_are_found_and_named(history: History, log_url: str) -> None:
    plant(
        log_url,
        "DELETE FROM store.event_tags WHERE position IN (30, 200) AND tag LIKE '%:%'",
        "INSERT INTO store.event_tags VALUES ('seat:ghost', 'seat.added', 40)",
        "INSERT INTO store.event_tags VALUES ('seat:ghost', 'seat.added', 0)",
        f"INSERT INTO store.event_tags VALUES ('seat:ghost', 'seat.added', {EVENTS + 1})",
    )
    told = {known.kind: known for known in differences(log_url)}
    assert set(told) == {"tag-row-missing", "tag-row-extra"}
    assert (told["tag-row-missing"].position, told["tag-row-extra"].count) == (30, 3)
    assert "seat:ghost of seat.added" in told["tag-row-extra"].first


def test_a_missing_index_row_does_not_hide_behind_an_extra_one(history: History, log_url: str) -> None:
    plant(
        log_url,
        """UPDATE store.event_tags SET tag = 'seat:ghost'
        WHERE position = 30 AND tag = (SELECT tags[1] FROM store.events WHERE position = 30)""",
    )
    assert found(log_url) == {"tag-row-missing": (1, 30), "tag-row-extra": (1, 30)}


def test_faults_are_found_in_every_window_of_a_longer_log(log_url: str) -> None:
    events = 2 * inspection_module.STRETCH + 500
    write_history(log_url, events)
    assert differences(log_url) == ()
    far = (1, inspection_module.STRETCH, inspection_module.STRETCH + 1, events)
    plant(
        log_url,
        f"DELETE FROM store.event_tags WHERE position IN {far}",
        f"UPDATE store.events SET epoch = 'k-0' WHERE position IN {far}",
    )
    told = {known.kind: known for known in differences(log_url)}
    assert told["epoch-wrong"].count == len(far)
    assert told["tag-row-missing"].count >= len(far)
    assert set(told) == {"epoch-wrong", "tag-row-missing"}


def test_several_processes_find_what_one_finds(history: History, log_url: str) -> None:
    plant(
        log_url,
        "DELETE FROM store.events WHERE position IN (50, 99, 100, 101, 250)",
        "UPDATE store.events SET epoch = 'k-0' WHERE position IN (20, 220)",
    )
    alone = {known.kind: known for known in differences(log_url)}
    together = {known.kind: known for known in differences(log_url, processes=2, slice_positions=100)}
    assert together == alone
    assert (alone["position-missing"].count, alone["epoch-wrong"].position) == (5, 20)


def test_epochs_may_follow_each_other(history: History, log_url: str) -> None:
    with EventStore(log_url) as store:
        store.new_epoch()
        store.new_epoch()
        [known] = store.read(after=1, until=2).events
        store.append([NewEvent(known.type, known.data, known.tags)])
    assert differences(log_url) == ()


def test_what_is_appended_meanwhile_is_no_difference(history: History, log_url: str) -> None:
    findings = Findings()
    with Inspection(log_url) as inspection, EventStore(log_url) as store:
        ends = inspection.ends()
        [known] = store.read(after=1, until=2).events
        store.append([NewEvent(known.type, known.data, known.tags)])
        assert audit_events(log_url, ends, findings, unwatched, processes=1) == EVENTS
        audit_tag_index(inspection, ends.position, findings, unwatched)
    assert findings.differences == ()
