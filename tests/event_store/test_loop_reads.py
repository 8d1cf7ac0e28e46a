"""Reads from event loops: each loop has connections of its own, and no answer goes astray."""

import asyncio
import time
from collections.abc import Iterator
from threading import Thread

import psycopg
import pytest

from studyspot.event_store.errors import KeyReused, StoreUnavailable
from studyspot.event_store.loop_reads import LoopReads
from studyspot.event_store.reading import snapshot
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion, StoredAnswer
from tests.engines import PostgresServer
from tests.event_store.steps import LIMIT, await_until, booked, fresh_tag, key_of
from tests.event_store.tcp_proxy import TcpProxy

_SESSIONS = (
    "FROM pg_stat_activity WHERE application_name = 'studyspot-store' AND datname = current_database()"
)


def _tagged(tag: str) -> list[Criterion]:
    return [Criterion(tags=(tag,))]


async def test_a_loop_is_answered_as_a_thread_is(store: EventStore) -> None:
    tags = [fresh_tag() for _ in range(3)]
    for tag in tags:
        await store.append_async([booked(tag, "kind:é"), booked(tag, data=b"\x00")])
    key = key_of(fresh_tag())
    await store.append_async([booked(fresh_tag())], key=key, answer=b"told")
    for criteria, bounds in (
        (_tagged(tags[0]), {}),
        ([Criterion(tags=(tag,), newest=tag == tags[1]) for tag in tags], {"limit": 3}),
        (_tagged(tags[2]), {"until": 1}),
        ((), {"after": 1, "limit": 2}),
        ((), {"limit": 0, "key": key}),
    ):
        assert await store.read_async(criteria, **bounds) == store.read(criteria, **bounds)
    assert isinstance((await store.read_async((), limit=0, key=key)).answer, StoredAnswer)
    with pytest.raises(KeyReused):
        await store.read_async((), limit=0, key=key_of(key.actor, b"another body"))


async def test_after_a_cancelled_read_everybody_gets_their_own_answer(store: EventStore) -> None:
    tags = [fresh_tag() for _ in range(40)]
    for tag in tags:
        store.append([booked(tag)])
    for turn in range(3):
        asked = [asyncio.create_task(store.read_async(_tagged(tag))) for tag in tags]
        for _ in range(turn):
            await asyncio.sleep(0)
        for task in asked[::2]:
            task.cancel()
        await asyncio.wait(asked)
        assert all(task.cancelled() for task in asked[::2])
        for tag, task in list(zip(tags, asked, strict=True))[1::2]:
            assert [event.tags for event in task.result().events] == [(tag,)]


async def test_connections_that_died_while_they_were_idle_are_not_noticed(empty_store: EventStore) -> None:
    await empty_store.append_async([booked(fresh_tag())])
    await asyncio.gather(*(empty_store.read_async() for _ in range(20)))
    with psycopg.connect(empty_store.database_url, autocommit=True) as database:
        database.execute(f"SELECT pg_terminate_backend(pid) {_SESSIONS}")
    answers = await asyncio.gather(*(empty_store.read_async() for _ in range(20)))
    assert [len(answer.events) for answer in answers] == [1] * 20


async def test_a_database_that_is_back_in_time_answers_who_asked_meanwhile(empty_store: EventStore) -> None:
    await empty_store.append_async([booked(fresh_tag())])
    with TcpProxy(empty_store.database_url) as proxy, EventStore(proxy.database_url) as far:
        await far.read_async()
        # As if nobody listened; a server that begins anew may take longer than a read waits.
        proxy.refusing = True
        proxy.cut()
        with pytest.raises(StoreUnavailable):
            await far.read_async()
        refused = proxy.refused
        asked = asyncio.create_task(far.read_async())
        await asyncio.to_thread(await_until, lambda: proxy.refused > refused)
        proxy.refusing = False
        assert len((await asked).events) == 1


def test_loops_share_no_connection_and_leave_none_when_they_have_ended(database: str) -> None:
    reads = LoopReads(database, size=8)

    def read_on() -> None:
        async def ask_often() -> None:
            for _ in range(20):
                assert (await reads.ask(snapshot((), after=0, until=None, limit=None, key=None))).events == ()

        asyncio.run(ask_often())

    threads = [Thread(target=read_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT.total_seconds())
    read_on()
    assert _falls_to(database, 1)
    reads.close()
    assert _falls_to(database, 0)


async def test_a_store_that_is_closed_leaves_no_connection_behind(database: str) -> None:
    store = EventStore(database)
    store.open()
    asked = [asyncio.create_task(store.read_async()) for _ in range(20)]
    await store.read_async()
    assert _sessions(database) > 0
    await asyncio.to_thread(store.close)
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        assert not isinstance(answer, BaseException) or isinstance(answer, StoreUnavailable)
    assert await asyncio.to_thread(_falls_to, database, 0)
    with pytest.raises(StoreUnavailable):
        await store.read_async()


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty log that no other store is connected to."""
    with postgres_server.migrated_database() as url:
        yield url


def _sessions(database_url: str) -> int:
    with psycopg.connect(database_url) as database:
        [(number,)] = database.execute(f"SELECT count(*) {_SESSIONS}").fetchall()
    return int(number)


def _falls_to(database_url: str, number: int) -> bool:
    deadline = time.monotonic() + LIMIT.total_seconds()
    while _sessions(database_url) > number:
        if time.monotonic() > deadline:
            return False
    return True
