"""Appends: positions, conditions, batches, and what a batch does to its losers."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import psycopg
import pytest

from studyspot.event_store.errors import ConditionFailed, EventRejected, StoreUnavailable
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Condition, Criterion
from tests.event_store.steps import (
    CANCELLED,
    CREATED,
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


def test_events_of_one_append_stand_side_by_side_and_carry_the_epoch(empty_store: EventStore) -> None:
    tag = fresh_tag()
    appended = empty_store.append([booked(tag, data=b"1"), booked(tag, "user:s1", data=b"2")])
    assert appended.position == 2
    first, second = events_with(empty_store, tag)
    assert (first.position, first.data, first.tags) == (1, b"1", (tag,))
    assert (second.position, second.data, second.tags) == (2, b"2", (tag, "user:s1"))
    assert first.epoch == second.epoch == appended.epoch == empty_store.head().epoch


def test_a_decision_from_a_stale_read_is_caught_by_its_condition(store: EventStore) -> None:
    tag = fresh_tag()
    stale = store.read([Criterion((CREATED,), (tag,))])
    store.append([booked(tag)], unless_booked(tag, after=stale.head))
    with pytest.raises(ConditionFailed):
        store.append([booked(tag)], unless_booked(tag, after=stale.head))
    fresh = store.read([Criterion((CREATED,), (tag,))])
    assert len(fresh.events) == 1
    store.append([booked(tag, event_type=CANCELLED)], unless_booked(tag, after=fresh.head))


def test_an_event_of_another_type_under_the_same_tag_does_not_fail_a_condition(store: EventStore) -> None:
    tag = fresh_tag()
    store.append([booked(tag, event_type="seat.updated")])
    store.append([booked(tag)], unless_booked(tag))


def test_a_condition_after_a_position_that_is_yet_to_come_fails(store: EventStore) -> None:
    beyond = store.head().position + 1
    tag = fresh_tag()
    with pytest.raises(ConditionFailed):
        store.append([booked(tag)], unless_booked(tag, after=beyond))
    assert not events_with(store, tag)


@pytest.mark.parametrize(
    ("criterion", "defeated"),
    [
        (Criterion((CREATED,), ("{tag}",)), True),
        (Criterion((CANCELLED,), ("{tag}",)), False),
        (Criterion((), ("{tag}",)), True),
        (Criterion((), ("{tag}", "{other}")), True),
        (Criterion((CREATED,), ("{tag}", "user:nobody")), False),
        (Criterion((CANCELLED, CREATED), ()), True),
        (Criterion(("seat.added",), ()), False),
    ],
)
def test_a_command_loses_to_an_earlier_one_of_its_own_batch(
    store: EventStore, criterion: Criterion, defeated: bool
) -> None:
    tag, other = fresh_tag(), fresh_tag()
    tags = tuple(name.format(tag=tag, other=other) for name in criterion.tags)
    condition = Condition((Criterion(criterion.types, tags),), store.head().position)
    with head_locked(store.database_url):
        blocked = store.submit([booked(fresh_tag(), event_type="seat.updated")])
        await_lock_waiters(store.database_url)
        winner = store.submit([booked(tag, other)])
        rival = store.submit([booked(tag)], condition)
    assert errors_of([blocked, winner, rival]) == [None, None, ConditionFailed if defeated else None]


def test_an_empty_condition_loses_to_anything_in_its_batch(store: EventStore) -> None:
    before = store.head().position
    with head_locked(store.database_url):
        blocked = store.submit([booked(fresh_tag())])
        await_lock_waiters(store.database_url)
        rival = store.submit([booked(fresh_tag())], Condition((), before))
    assert errors_of([blocked, rival]) == [None, ConditionFailed]


def test_a_command_wins_when_the_one_that_could_defeat_it_loses(store: EventStore) -> None:
    taken, free = fresh_tag(), fresh_tag()
    store.append([booked(taken)])
    with head_locked(store.database_url):
        blocked = store.submit([booked(fresh_tag())])
        await_lock_waiters(store.database_url)
        loser = store.submit([booked(taken, free)], unless_booked(taken))
        winner = store.submit([booked(free)], unless_booked(free))
    assert errors_of([blocked, loser, winner]) == [None, ConditionFailed, None]
    assert len(events_with(store, free)) == 1


def test_losers_neither_abort_their_batch_nor_leave_a_gap(empty_store: EventStore) -> None:
    taken = fresh_tag()
    empty_store.append([booked(taken)])
    with head_locked(empty_store.database_url):
        blocked = empty_store.submit([booked(fresh_tag())])
        await_lock_waiters(empty_store.database_url)
        futures = [
            empty_store.submit([booked(taken if number % 2 else fresh_tag())], unless_booked(taken))
            if number % 2
            else empty_store.submit([booked(fresh_tag())])
            for number in range(40)
        ]
    assert errors_of([blocked]) == [None]
    assert errors_of(futures) == [None, ConditionFailed] * 20
    assert [event.position for event in whole_log(empty_store)] == list(range(1, 23))


def test_what_waits_together_is_committed_together(empty_store: EventStore) -> None:
    with head_locked(empty_store.database_url):
        first = empty_store.submit([booked(fresh_tag())])
        await_lock_waiters(empty_store.database_url)
        futures = [empty_store.submit([booked(fresh_tag())]) for _ in range(200)]
    assert errors_of([first, *futures]) == [None] * 201
    with psycopg.connect(empty_store.database_url) as connection:
        rows = connection.execute("SELECT xmin::text FROM store.events ORDER BY position").fetchall()
    assert [len(list(group)) for _, group in groupby(rows)] == [1, 200]


def test_of_64_threads_that_want_the_same_seat_days_exactly_one_has_each(store: EventStore) -> None:
    seat_days = [fresh_tag() for _ in range(8)]

    def book_each(thread: int) -> list[str]:
        won = []
        for offset in range(len(seat_days)):
            # Two neighbouring days at a time, each thread beginning elsewhere.
            days = [seat_days[(thread + offset + step) % len(seat_days)] for step in (0, 1)]
            seen = store.read([Criterion((CREATED,), (day,)) for day in days])
            if seen.events:
                continue
            try:
                store.append([booked(*days)], unless_booked(*days, after=seen.head))
            except ConditionFailed:
                continue
            won += days
        return won

    with ThreadPoolExecutor(64) as threads:
        winners = [day for days in threads.map(book_each, range(64)) for day in days]
    assert len(winners) == len(set(winners)) >= len(seat_days) - 2
    assert sorted(event.tags[0] for event in events_with(store, *seat_days)) == sorted(winners[::2])


def test_a_culprit_among_many_is_found_and_rejected_alone(empty_store: EventStore) -> None:
    with head_locked(empty_store.database_url):
        blocked = empty_store.submit([booked(fresh_tag())])
        await_lock_waiters(empty_store.database_url)
        futures = []
        for number in range(30):
            if number in (7, 19):
                command, future = unchecked(booked("seat-day:\0" if number == 7 else "seat-day:\ud800"))
                empty_store.writer.submit(command)
            else:
                future = empty_store.submit([booked(fresh_tag())])
            futures.append(future)
    assert errors_of([blocked]) == [None]
    expected = [EventRejected if number in (7, 19) else None for number in range(30)]
    assert errors_of(futures) == expected
    assert [event.position for event in whole_log(empty_store)] == list(range(1, 30))


def test_a_culprit_in_a_condition_is_rejected_alone(store: EventStore) -> None:
    command, culprit = unchecked(booked(fresh_tag()), unless_booked("seat-day:\0"))
    with head_locked(store.database_url):
        blocked = store.submit([booked(fresh_tag())])
        await_lock_waiters(store.database_url)
        store.writer.submit(command)
        bystander = store.submit([booked(fresh_tag())])
    assert errors_of([blocked, culprit, bystander]) == [None, EventRejected, None]


def test_a_cancelled_append_that_was_still_queued_does_not_happen(store: EventStore) -> None:
    tag = fresh_tag()
    with head_locked(store.database_url):
        blocked = store.submit([booked(fresh_tag())])
        await_lock_waiters(store.database_url)
        assert store.submit([booked(tag)]).cancel()
    assert errors_of([blocked]) == [None]
    store.append([booked(fresh_tag())])
    assert not events_with(store, tag)


async def test_callers_in_a_loop_are_answered_each_with_their_own_outcome(store: EventStore) -> None:
    tag = fresh_tag()
    condition = unless_booked(tag, after=store.head().position)
    results = await asyncio.gather(
        *(store.append_async([booked(tag)], condition) for _ in range(50)), return_exceptions=True
    )
    positions = [result.position for result in results if not isinstance(result, BaseException)]
    refusals = [type(result) for result in results if isinstance(result, BaseException)]
    assert refusals == [ConditionFailed] * 49
    assert [
        event.position for event in (await store.read_async([Criterion(tags=(tag,))])).events
    ] == positions


async def test_an_asynchronous_append_cancelled_while_queued_does_not_happen(store: EventStore) -> None:
    tag = fresh_tag()
    with head_locked(store.database_url):
        blocked = store.submit([booked(fresh_tag())])
        await_lock_waiters(store.database_url)
        task = asyncio.create_task(store.append_async([booked(tag)]))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert errors_of([blocked]) == [None]
    await store.append_async([booked(fresh_tag())])
    assert not events_with(store, tag)


def test_a_closed_store_appends_what_was_queued_and_refuses_what_comes_after(database_url: str) -> None:
    store = EventStore(database_url)
    store.open()
    futures = [store.submit([booked(fresh_tag())]) for _ in range(100)]
    store.close()
    assert errors_of(futures) == [None] * 100
    with pytest.raises(StoreUnavailable):
        store.submit([booked(fresh_tag())])
