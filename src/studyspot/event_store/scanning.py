"""Reading the whole log, or all of some types, as fast as it comes: for rebuilds and audits."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing

import psycopg

from studyspot.event_store.connections import connect_scanner
from studyspot.event_store.errors import StoreUnavailable

WINDOW = 10_000
"""Positions that one statement looks at."""

Scanned = tuple[int, str, str, bytes]
"""Position, epoch, type and stored data."""

_WINDOW = """
SELECT position, epoch, type, data FROM store.events
WHERE position > %(after)b AND position <= %(until)b AND type = ANY(%(types)b::text[]) ORDER BY position
"""
_COUNT_EACH = "SELECT type, count(*) FROM store.events WHERE position <= %b GROUP BY type"
_COUNT = "SELECT count(*) FROM store.events WHERE position <= %(until)b AND type = ANY(%(types)b::text[])"


def count_types(database_url: str, until: int) -> Mapping[str, int]:
    """Return how many events of each type there are up to a position, of those that happened at all.

    Raises:
        StoreUnavailable: the database did not answer in time.
    """
    try:
        with closing(connect_scanner(database_url)) as connection, connection.cursor(binary=True) as cursor:
            return dict(cursor.execute(_COUNT_EACH, [until]).fetchall())
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error


def count_events(database_url: str, types: Collection[str], until: int) -> int:
    """Return how many events of these types there are up to a position.

    Raises:
        StoreUnavailable: the database did not answer in time.
    """
    try:
        with closing(connect_scanner(database_url)) as connection, connection.cursor(binary=True) as cursor:
            [(count,)] = cursor.execute(_COUNT, {"until": until, "types": list(types)}).fetchall()
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
    return int(count)


def scan(database_url: str, types: Collection[str], *, after: int, until: int) -> Iterator[list[Scanned]]:
    """Yield the events of some types in (`after`, `until`], oldest first, by windows of positions.

    `until` is at most the log's head as it was read before: what is committed later is not looked for. A
    window without such an event is an empty list, so that progress can be told.

    Raises:
        StoreUnavailable: the database did not answer in time.
    """
    try:
        with closing(connect_scanner(database_url)) as connection:
            for first in range(after, until, WINDOW):
                window = {"after": first, "until": min(first + WINDOW, until), "types": list(types)}
                with connection.cursor(binary=True) as cursor:
                    yield cursor.execute(_WINDOW, window, prepare=True).fetchall()
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
