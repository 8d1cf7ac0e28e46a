"""What a connection is notified of is heard when somebody looks or waits, and not before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from studyspot.event_store.listening import Listener
from studyspot.event_store.store import EventStore

CHANNEL = "studyspot_test"
LONG = timedelta(seconds=30)


class Ear:
    """A listener and what it has heard."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.listener = Listener(self._hear)

    def _hear(self, payloads: list[str]) -> None:
        self.heard += payloads
        self.listener.tell()

    async def has_heard(self, *payloads: str) -> None:
        async with asyncio.timeout(10):
            self.listener.look()
            while self.heard != list(payloads):
                await self.listener.wait()


@asynccontextmanager
async def listening(ear: Ear, database_url: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        await ear.listener.subscribe(connection, CHANNEL)
        task = asyncio.create_task(ear.listener.listen(connection, LONG))
        await asyncio.sleep(0)
        yield connection
        task.cancel()
        await asyncio.wait([task])


def notify(database_url: str, *payloads: str) -> None:
    """Send them; another listener has heard them all when this returns."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        for payload in payloads:
            connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])
        assert len(list(connection.notifies(timeout=10, stop_after=len(payloads)))) == len(payloads)


async def test_who_waits_hears_what_comes_in_order(store: EventStore) -> None:
    ear = Ear()
    async with listening(ear, store.database_url):
        waits = [asyncio.create_task(ear.has_heard("1", "2", "3")) for _ in range(3)]
        await asyncio.to_thread(notify, store.database_url, "1", "2", "3")
        await asyncio.gather(*waits)


async def test_while_nobody_looks_or_waits_nothing_is_heard_and_nothing_is_lost(store: EventStore) -> None:
    ear = Ear()
    async with listening(ear, store.database_url):
        await asyncio.to_thread(notify, store.database_url, "1")
        await ear.has_heard("1")
        await asyncio.to_thread(notify, store.database_url, "2", "3")
        assert ear.heard == ["1"]
        await ear.has_heard("1", "2", "3")


async def test_what_comes_while_something_is_asked_is_heard_afterwards(store: EventStore) -> None:
    ear = Ear()
    async with await AsyncConnection.connect(store.database_url, autocommit=True) as connection:
        await ear.listener.subscribe(connection, CHANNEL)
        wait = asyncio.create_task(ear.has_heard("1"))
        await asyncio.to_thread(notify, store.database_url, "1")
        await connection.execute("SELECT")
        assert ear.heard == []
        listen = asyncio.create_task(ear.listener.listen(connection, LONG))
        await wait
        listen.cancel()
        await asyncio.wait([listen])


async def test_who_waits_goes_on_waiting_over_another_connection(store: EventStore) -> None:
    ear = Ear()
    wait = asyncio.create_task(ear.has_heard("1"))
    async with listening(ear, store.database_url):
        pass
    async with listening(ear, store.database_url):
        await asyncio.to_thread(notify, store.database_url, "1")
        await wait


async def test_a_span_ends_though_nothing_comes(store: EventStore) -> None:
    ear = Ear()
    async with await AsyncConnection.connect(store.database_url, autocommit=True) as connection:
        await ear.listener.subscribe(connection, CHANNEL)
        await ear.listener.listen(connection, timedelta(milliseconds=1))


@pytest.mark.parametrize("waiting", [True, False])
async def test_a_lost_connection_is_told_to_who_listens_once_somebody_looks_or_waits(
    store: EventStore, waiting: bool
) -> None:
    ear = Ear()
    wait = asyncio.create_task(ear.has_heard("after"))
    if not waiting:
        wait.cancel()
    async with await AsyncConnection.connect(store.database_url, autocommit=True) as connection:
        await ear.listener.subscribe(connection, CHANNEL)
        listen = asyncio.create_task(ear.listener.listen(connection, LONG))
        await asyncio.sleep(0)
        with psycopg.connect(store.database_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
        async with asyncio.timeout(10):
            while not listen.done():
                if not waiting:
                    ear.listener.look()
                await asyncio.sleep(0)
        with pytest.raises(psycopg.OperationalError):
            await listen
    wait.cancel()
    await asyncio.wait([wait])
