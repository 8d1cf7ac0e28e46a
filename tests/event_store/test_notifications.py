"""The head signal: told of what is appended, by whichever process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from studyspot.event_store.batch import CHANNEL
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from tests.event_store.steps import booked, fresh_tag
from tests.event_store.swallowing import swallowing

SOON = timedelta(seconds=30)


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
    async with asyncio.timeout(SOON.total_seconds()):
        assert await signal.wait(signal.position, timedelta(milliseconds=50)) == signal.position
    assert time.monotonic() - began > 0.04


async def test_an_append_is_told_by_notification_and_not_only_by_the_poll(
    store: EventStore, signal: HeadSignal
) -> None:
    async with await psycopg.AsyncConnection.connect(store.database_url, autocommit=True) as other:
        await other.execute(f"LISTEN {CHANNEL}")
        appended = await store.append_async([booked(fresh_tag())])
        async with aclosing(other.notifies(timeout=SOON.total_seconds())) as notices:
            told = (await anext(notices)).payload
        assert told == str(appended.position)
        # Of a position that the log does not have, nothing else can tell.
        beyond = appended.position + 1000
        await other.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(beyond)])
        assert await signal.wait(appended.position, SOON) == beyond


async def test_a_missed_notification_is_made_up_for_by_the_poll(
    store: EventStore, signal: HeadSignal
) -> None:
    head = store.head().position
    with psycopg.connect(store.database_url) as connection:
        connection.execute("UPDATE store.head SET position = position + 1")
    assert await signal.wait(head, SOON) == head + 1
    with psycopg.connect(store.database_url) as connection:
        connection.execute("UPDATE store.head SET position = %s", [head])


async def test_what_is_no_position_is_left_aside(store: EventStore, signal: HeadSignal) -> None:
    troubles: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    with psycopg.connect(store.database_url, autocommit=True) as other:
        for rubbish in ("", "head", "-1", "9" * 30, "9" * 5000):
            other.execute("SELECT pg_notify(%s, %s)", [CHANNEL, rubbish])
            appended = await store.append_async([booked(fresh_tag())])
            other.execute("SELECT pg_notify(%s, %s)", [CHANNEL, rubbish])
            assert await signal.wait(appended.position - 1, SOON) == appended.position
    assert troubles == []


@pytest.mark.parametrize("asked", [b"LISTEN", b"store.head"])
async def test_a_server_that_hears_nothing_is_left_for_another_connection(
    store: EventStore, asked: bytes
) -> None:
    appended = await store.append_async([booked(fresh_tag())])
    async with swallowing(store.database_url, asked) as url, HeadSignal(url) as signal:
        assert await signal.wait(appended.position - 1, SOON) >= appended.position
