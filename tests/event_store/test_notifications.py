"""The head signal: told of what is appended, by whichever process."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from tests.event_store.steps import booked, fresh_tag

SOON = timedelta(seconds=10)


@pytest.fixture
async def signal(store: EventStore) -> AsyncIterator[HeadSignal]:
    store.append([booked(fresh_tag())])
    async with HeadSignal(store.database_url) as signal:
        await signal.wait(0, SOON)
        yield signal


async def test_it_knows_the_head_that_was_there_before_it(store: EventStore, signal: HeadSignal) -> None:
    assert signal.position == store.head().position


async def test_everyone_who_waits_is_woken_by_an_append(store: EventStore, signal: HeadSignal) -> None:
    waits = [asyncio.create_task(signal.wait(signal.position, SOON)) for _ in range(3)]
    appended = await store.append_async([booked(fresh_tag()), booked(fresh_tag())])
    assert await asyncio.gather(*waits) == [appended.position] * 3


async def test_a_wait_for_what_is_there_already_returns_at_once(signal: HeadSignal) -> None:
    assert await signal.wait(signal.position - 1, timedelta(0)) == signal.position


async def test_a_wait_ends_with_its_timeout(signal: HeadSignal) -> None:
    began = time.monotonic()
    assert await signal.wait(signal.position, timedelta(milliseconds=50)) == signal.position
    assert 0.04 < time.monotonic() - began < 1


async def test_an_append_is_told_by_notification_and_not_only_by_the_poll(
    store: EventStore, signal: HeadSignal
) -> None:
    latencies = []
    for _ in range(20):
        wait = asyncio.create_task(signal.wait(signal.position, SOON))
        await store.append_async([booked(fresh_tag())])
        began = time.monotonic()
        await wait
        latencies.append(time.monotonic() - began)
    # A poll every 250 ms alone would take half of that in the middle.
    assert sorted(latencies)[10] < 0.06


async def test_a_missed_notification_is_made_up_for_by_the_poll(
    store: EventStore, signal: HeadSignal
) -> None:
    head = store.head().position
    with psycopg.connect(store.database_url) as connection:
        connection.execute("UPDATE store.head SET position = position + 1")
    assert await signal.wait(head, SOON) == head + 1
    with psycopg.connect(store.database_url) as connection:
        connection.execute("UPDATE store.head SET position = %s", [head])
