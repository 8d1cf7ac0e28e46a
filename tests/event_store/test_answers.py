"""Idempotency keys: one command, however often it arrives."""

from collections.abc import Iterator

import psycopg
import pytest

from studyspot.event_store.errors import AnsweredBefore, ConditionFailed, KeyReused
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import StoredAnswer
from studyspot.event_store.writer import ANSWERS_BETWEEN_CLEANINGS
from tests.event_store.steps import (
    await_lock_waiters,
    booked,
    errors_of,
    events_with,
    fresh_tag,
    head_locked,
    key_of,
    unless_booked,
)


@pytest.fixture
def other_store(store: EventStore) -> Iterator[EventStore]:
    """The store as another process has it."""
    with EventStore(store.database_url) as other:
        yield other


def test_a_repeated_command_gets_the_first_ones_answer_and_appends_nothing(
    store: EventStore, other_store: EventStore
) -> None:
    tag, key = fresh_tag(), key_of(fresh_tag("user"))
    first = store.append([booked(tag), booked(tag)], unless_booked(tag), key=key, answer=b"201")
    for again in (store, other_store):
        with pytest.raises(AnsweredBefore) as repeated:
            again.append([booked(tag)], unless_booked(tag), key=key, answer=b"another")
        assert repeated.value.answer == StoredAnswer(first.position, b"201")
    assert len(events_with(store, tag)) == 2


def test_the_same_key_with_another_body_is_refused(store: EventStore) -> None:
    tag, actor = fresh_tag(), fresh_tag("user")
    store.append([booked(tag)], key=key_of(actor), answer=b"201")
    with pytest.raises(KeyReused):
        store.append([booked(tag)], key=key_of(actor, b"another body"))
    with pytest.raises(KeyReused):
        store.read(key=key_of(actor, b"another body"), limit=0)
    store.append([booked(tag)], key=key_of(fresh_tag("user"), b"another body"))
    assert len(events_with(store, tag)) == 2


def test_a_twin_in_the_same_batch_is_answered_with_its_brothers_success(store: EventStore) -> None:
    tag, actor = fresh_tag(), fresh_tag("user")
    condition = unless_booked(tag, after=store.head().position)
    with head_locked(store.database_url):
        blocked = store.submit([booked(fresh_tag())])
        await_lock_waiters(store.database_url)
        first = store.submit([booked(tag)], condition, key=key_of(actor), answer=b"201")
        twin = store.submit([booked(tag)], condition, key=key_of(actor), answer=b"409")
        stranger = store.submit([booked(tag)], condition, key=key_of(actor, b"another body"))
    assert errors_of([blocked, first, twin, stranger]) == [None, None, AnsweredBefore, KeyReused]
    error = twin.exception()
    assert isinstance(error, AnsweredBefore)
    assert error.answer == StoredAnswer(first.result().position, b"201")


def test_a_twin_that_loses_the_race_in_another_process_is_answered_with_the_winners_success(
    store: EventStore, other_store: EventStore
) -> None:
    tag, key = fresh_tag(), key_of(fresh_tag("user"))
    condition = unless_booked(tag, after=store.head().position)
    with head_locked(store.database_url):
        twins = [
            each.submit([booked(tag)], condition, key=key, answer=b"201") for each in (store, other_store)
        ]
        await_lock_waiters(store.database_url, 2)
    assert sorted(map(str, errors_of(twins))) == sorted(map(str, [None, AnsweredBefore]))
    (winner,) = (twin.result().position for twin in twins if not twin.exception())
    (error,) = (twin.exception() for twin in twins if twin.exception())
    assert isinstance(error, AnsweredBefore)
    assert error.answer == StoredAnswer(winner, b"201")


def test_a_command_that_was_refused_leaves_no_answer(store: EventStore) -> None:
    tag, key = fresh_tag(), key_of(fresh_tag("user"))
    store.append([booked(tag)])
    with pytest.raises(ConditionFailed):
        store.append([booked(tag)], unless_booked(tag), key=key, answer=b"201")
    snapshot = store.read(key=key, limit=0)
    assert snapshot.answer is None
    store.append([booked(tag)], unless_booked(tag, after=snapshot.head), key=key, answer=b"201")


def test_a_read_finds_the_stored_answer_in_the_snapshot_of_its_rows(store: EventStore) -> None:
    tag, key = fresh_tag(), key_of(fresh_tag("user"))
    assert store.read(unless_booked(tag).criteria, key=key).answer is None
    appended = store.append([booked(tag)], key=key, answer=b"201")
    for criteria in (unless_booked(tag).criteria, unless_booked(fresh_tag()).criteria):
        assert store.read(criteria, key=key).answer == StoredAnswer(appended.position, b"201")


def test_a_key_may_be_used_again_after_a_day(store: EventStore) -> None:
    tag, actor = fresh_tag(), fresh_tag("user")
    store.append([booked(tag)], key=key_of(actor), answer=b"yesterday")
    _let_a_day_pass(store, actor)
    assert store.read(key=key_of(actor), limit=0).answer is None
    appended = store.append([booked(tag)], key=key_of(actor, b"another body"), answer=b"today")
    answer = store.read(key=key_of(actor, b"another body"), limit=0).answer
    assert answer == StoredAnswer(appended.position, b"today")


def test_answers_past_their_time_are_deleted_as_new_ones_come(store: EventStore) -> None:
    actor = fresh_tag("user")
    store.append([booked(fresh_tag())], key=key_of(actor), answer=b"yesterday")
    _let_a_day_pass(store, actor)
    futures = [
        store.submit([booked(fresh_tag())], key=key_of(fresh_tag("user")))
        for _ in range(ANSWERS_BETWEEN_CLEANINGS)
    ]
    assert set(errors_of(futures)) == {None}
    store.append([booked(fresh_tag())])  # A cleaning follows the answers of its batch; this one follows it.
    with psycopg.connect(store.database_url) as connection:
        assert not connection.execute("SELECT FROM store.answers WHERE actor = %s", [actor]).fetchall()


def _let_a_day_pass(store: EventStore, actor: str) -> None:
    with psycopg.connect(store.database_url) as connection:
        connection.execute(
            "UPDATE store.answers SET stored_at = stored_at - interval '24 hours 1 second' WHERE actor = %s",
            [actor],
        )
