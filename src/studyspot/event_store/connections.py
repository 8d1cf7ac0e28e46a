"""Connections to the store's database: every wait has a limit, and every plan uses an index."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from studyspot.event_store.arrays import register_arrays

CONNECT_WITHIN = timedelta(seconds=2)
# The server frees the head lock of a stopped or vanished writer after this long.
TRANSACTION_LIMIT = timedelta(seconds=2)
# Shorter, so that a writer that waits behind a stopped one still has time to append once it has the lock.
LOCK_LIMIT = timedelta(seconds=1)
READ_LIMIT = timedelta(seconds=5)
LET_GO_WITHIN = timedelta(milliseconds=500)
# How long who reads waits, for a connection too.
READ_WITHIN = timedelta(seconds=6)
# A long stretch of the log may have to come from a busy disk.
SCAN_LIMIT = timedelta(seconds=30)

# Statements are planned once, while the tables may still be small: a plan without an index would stay.
_PLANS = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)


_READING = _PLANS | {"statement_timeout": str(_milliseconds(READ_LIMIT))}


class TimeLimitedConnection(psycopg.Connection[TupleRow]):
    """A connection that is closed when the server leaves an answer open for `answer_within`."""

    answer_within = timedelta(seconds=3)

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for the server, but not for ever.

        Raises:
            psycopg.OperationalError: no answer within the limit; the connection is closed.
        """
        try:
            return super().wait(
                gen, interval, self.answer_within.total_seconds() if timeout is None else timeout
            )
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # What the server still does with the statement is unknown: nothing else may follow it.
                self.pgconn.finish()
            raise


class _ScanConnection(TimeLimitedConnection):
    answer_within = SCAN_LIMIT + timedelta(seconds=1)


class _ReadConnection(TimeLimitedConnection):
    answer_within = READ_LIMIT + timedelta(seconds=1)


def connect_writer(database_url: str) -> TimeLimitedConnection:
    """Connect for appends: autocommit, and with server-side limits that free the head lock.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    limit = _milliseconds(TRANSACTION_LIMIT)
    settings = _PLANS | {
        "transaction_timeout": str(limit),
        "idle_in_transaction_session_timeout": str(limit),
        "tcp_user_timeout": str(limit),
        "lock_timeout": str(_milliseconds(LOCK_LIMIT)),
    }
    connection = TimeLimitedConnection.connect(
        database_url, autocommit=True, tcp_user_timeout=limit, **_parameters(database_url, settings)
    )
    register_arrays(connection)
    return connection


def connect_scanner(database_url: str) -> TimeLimitedConnection:
    """Connect for reading long stretches of the log.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    settings = _PLANS | {"statement_timeout": str(_milliseconds(SCAN_LIMIT))}
    connection = _ScanConnection.connect(database_url, autocommit=True, **_parameters(database_url, settings))
    register_arrays(connection)
    return connection


def read_pool(database_url: str, size: int) -> ConnectionPool[TimeLimitedConnection]:
    """Return a pool of at most `size` connections for single-statement reads, not yet opened."""
    return ConnectionPool(
        database_url,
        connection_class=_ReadConnection,
        kwargs={"autocommit": True, **_parameters(database_url, _READING)},
        configure=register_arrays,
        min_size=1,
        max_size=size,
        open=False,
        name="event-store-reads",
        timeout=CONNECT_WITHIN.total_seconds(),
        # Give up soon and try again when asked: the pool's own retries back off for minutes.
        reconnect_timeout=CONNECT_WITHIN.total_seconds(),
    )


async def connect_async_reader(database_url: str) -> psycopg.AsyncConnection[TupleRow]:
    """Connect for single-statement reads from an event loop, which sees to their limits itself.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    return await connect_async(database_url, **_parameters(database_url, _READING))


async def connect_async(
    database_url: str, *, connect_timeout: int, **parameters: Any
) -> psycopg.AsyncConnection[TupleRow]:
    """Connect from an event loop, with autocommit; whoever cancels it waits until it has ended and is closed.

    psycopg leaves a connect that is cancelled as it is: for a minute the server waits for the rest of it, and
    who drops the database waits too.

    Args:
        database_url: the database.
        connect_timeout: seconds, at least 2.
        parameters: of libpq.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    connecting = asyncio.create_task(
        psycopg.AsyncConnection.connect(
            database_url, autocommit=True, connect_timeout=connect_timeout, **parameters
        ),
        name="connect to PostgreSQL",
    )
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        connecting.add_done_callback(_close)
        await asyncio.wait([connecting])
        raise


@asynccontextmanager
async def answered_within(limit: timedelta) -> AsyncIterator[None]:
    """Give the server `limit` to answer what is asked in an event loop, and then a moment to let go of it.

    psycopg alone would wait ten seconds for a server that is silent to whoever cancels, too. Afterwards the
    connection is of no more use.

    Raises:
        TimeoutError: it did not answer.
    """
    async with (
        asyncio.timeout((limit + LET_GO_WITHIN).total_seconds()),
        asyncio.timeout(limit.total_seconds()),
    ):
        yield


def _close(connecting: asyncio.Task[psycopg.AsyncConnection[TupleRow]]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().pgconn.finish()


def _parameters(database_url: str, settings: dict[str, str]) -> dict[str, Any]:
    given = conninfo_to_dict(database_url).get("options") or ""
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {
        "options": f"{given} {options}".strip(),
        "connect_timeout": int(CONNECT_WITHIN.total_seconds()),
        "application_name": "studyspot-store",
    }
