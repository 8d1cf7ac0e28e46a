"""Connecting from an event loop: who cancels it leaves nothing at the server."""

import asyncio
import time

import psycopg

from studyspot.event_store.connections import connect_async
from tests.engines import PostgresServer
from tests.event_store.steps import LIMIT


async def test_a_cancelled_connect_has_ended_at_the_server_too(postgres_server: PostgresServer) -> None:
    with postgres_server.migrated_database() as url:
        cancelled = []
        for turns in range(30):
            connecting = asyncio.create_task(connect_async(url, connect_timeout=20))
            for _ in range(turns):
                await asyncio.sleep(0)
            connecting.cancel()
            await asyncio.wait([connecting])
            if connecting.cancelled():
                cancelled.append(connecting)
            else:
                await connecting.result().close()
        assert len(cancelled) > 1
        # Nothing else runs on this loop any more.
        assert _leaves_nobody(url)


async def test_whoever_is_cancelled_twice_leaves_nothing_either(postgres_server: PostgresServer) -> None:
    with postgres_server.migrated_database() as url:
        connecting = asyncio.create_task(connect_async(url, connect_timeout=20))
        for _ in range(3):
            await asyncio.sleep(0)
            connecting.cancel()
        await asyncio.wait([connecting])
        assert connecting.cancelled()
        assert await asyncio.to_thread(_leaves_nobody, url)


async def test_what_is_connected_commits_by_itself(postgres_server: PostgresServer) -> None:
    with postgres_server.migrated_database() as url:
        async with await connect_async(url, connect_timeout=20, application_name="somebody") as connection:
            cursor = await connection.execute("SHOW application_name")
            assert await cursor.fetchall() == [("somebody",)]
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def _leaves_nobody(database_url: str) -> bool:
    """Return whether nobody but the caller connects or is connected, in the end."""
    deadline = time.monotonic() + LIMIT.total_seconds()
    with psycopg.connect(database_url, autocommit=True) as database:
        while True:
            [(others,)] = database.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND (state = 'starting' OR datname = current_database())"
            ).fetchall()
            if others == 0:
                return True
            if time.monotonic() > deadline:
                return False
