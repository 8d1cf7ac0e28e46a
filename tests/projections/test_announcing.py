"""Readers are told of positions, whatever the database has said to an earlier notice."""

import asyncio
from contextlib import aclosing

from psycopg import AsyncConnection
from structlog.testing import capture_logs

from studyspot.projections.builds import CHANNEL, Build
from tests.projections.system import Log, until


async def test_a_notice_that_the_database_refuses_does_not_end_the_telling(log: Log) -> None:
    with capture_logs() as lines:
        log.announcer.tell(Build("x" * 9000, 1, 1), 1)  # More than a notice can hold.
        await until(lambda: any(line["event"] == "readers are not told of positions" for line in lines))
    async with await AsyncConnection.connect(log.database_url, autocommit=True) as listening:
        await listening.execute(f"LISTEN {CHANNEL}")
        log.announcer.tell(Build("bookings", 1, 1), 7)
        async with asyncio.timeout(30), aclosing(listening.notifies()) as notices:
            async for notice in notices:
                assert notice.payload == "bookings 1 1 7"
                break
