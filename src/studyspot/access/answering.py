"""Connections to the tables of personal data, that are given up where the database does not answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

ANSWER_WITHIN = timedelta(seconds=4)
_CLOSE_WITHIN = ANSWER_WITHIN + timedelta(milliseconds=500)


@asynccontextmanager
async def answering(pool: AsyncConnectionPool) -> AsyncIterator[AsyncConnection]:
    """Lend a connection of the pool, in autocommit, for at most `ANSWER_WITHIN`.

    Raises:
        psycopg.OperationalError: the database did not answer in time (psycopg_pool.PoolTimeout is one).
    """
    try:
        # The inner limit asks the server to cancel; the outer one closes a connection that stays silent.
        async with (
            asyncio.timeout(_CLOSE_WITHIN.total_seconds()),
            asyncio.timeout(ANSWER_WITHIN.total_seconds()),
            pool.connection() as connection,
        ):
            yield connection
    except TimeoutError as error:
        raise psycopg.OperationalError("the database did not answer in time") from error
