"""The connections over which builds are written."""

from psycopg import AsyncConnection

from studyspot.event_store.connections import connect_async

_SESSION = """
-- A stopped worker must not hold the position's row against its rival.
SET idle_in_transaction_session_timeout = '5s';
SET statement_timeout = '30s';
SET lock_timeout = '10s';
-- Rows and position are lost together, if at all, and come again from the log, which is durable: so no batch
-- waits for the disk, or makes the log's own commits wait for it.
SET synchronous_commit = off;
-- A step's statement is planned once, perhaps while its tables are empty. Then each update would read all of
-- its table to find some ten rows, and go on so while the table grows.
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET plan_cache_mode = force_generic_plan;
"""


async def connect(database_url: str, name: str) -> AsyncConnection:
    """Connect for writing; `name` is what the database shows of it.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    connection = await connect_async(
        database_url,
        application_name=name,
        connect_timeout=5,
        keepalives_idle=5,
        tcp_user_timeout=5000,
    )
    try:
        await connection.execute(_SESSION)
    except BaseException:
        await connection.close()
        raise
    return connection
