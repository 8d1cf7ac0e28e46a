"""`studyspot migrate`."""

import asyncio

from studyspot.broker.buckets import ensure_buckets
from studyspot.broker.connection import connect
from studyspot.broker.stream import ensure_stream
from studyspot.console.installation import begin, database_url, nats_url
from studyspot.event_store.store import EventStore
from studyspot.migrations.run import upgrade

_ANSWER_SECONDS = 5


def run_migrate() -> None:
    """Bring database, stream and buckets up to date."""
    settings = begin()
    migrate(database_url(settings), nats_url(settings))
    print("migrated")  # noqa: T201 - the command's answer


def migrate(database: str, nats: str) -> None:
    """Create or upgrade schemas, stream and buckets; safe to repeat.

    Raises:
        psycopg.OperationalError: the database does not answer.
        BrokerUnavailable: NATS does not answer.
    """
    upgrade(database)
    with EventStore(database, read_connections=1) as store:
        epoch = store.head().epoch
    asyncio.run(_make(nats, epoch))


async def _make(url: str, epoch: str) -> None:
    connection = await connect(url, name="studyspot-migrate")
    try:
        js = connection.jetstream(timeout=_ANSWER_SECONDS)
        # One of another epoch is the relay's to rebuild.
        await ensure_stream(js, epoch=epoch)
        await ensure_buckets(js)
    finally:
        await connection.close()
