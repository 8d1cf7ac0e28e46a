"""Reads from threads, on the connections of a pool."""

import time
from typing import TypeVar

import psycopg
from psycopg_pool import PoolTimeout

from studyspot.event_store.connections import READ_WITHIN, read_pool
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.reading import Query

Answer = TypeVar("Answer")


class ThreadReads:
    """At most `size` connections, for any number of threads."""

    def __init__(self, database_url: str, size: int) -> None:
        self._pool = read_pool(database_url, size)

    def open(self) -> None:
        """Begin to connect."""
        self._pool.open(wait=False)

    def close(self) -> None:
        """Let go of every connection."""
        self._pool.close()

    def ask(self, query: Query[Answer]) -> Answer:
        """Return the answer, from another connection if one has died while it was idle.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        deadline = time.monotonic() + READ_WITHIN.total_seconds() / 2
        while True:
            try:
                with self._pool.connection() as connection:
                    return query.ask(connection)
            except PoolTimeout as error:
                raise StoreUnavailable("the database does not answer") from error
            except psycopg.OperationalError as error:
                if time.monotonic() >= deadline:
                    raise StoreUnavailable(str(error)) from error
            except psycopg.Error as error:
                raise StoreUnavailable(str(error)) from error
