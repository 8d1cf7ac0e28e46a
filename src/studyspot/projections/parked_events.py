"""Which events are parked in the builds that are read: what `studyspot projections parked` shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row

from studyspot.event_store.lookup import events_at
from studyspot.event_store.types import StoredEvent
from studyspot.projections.projection import Projection

MOST_FOLLOWERS = 100
"""Of a key, in one answer; how many there are is always told."""

_CONNECT_WITHIN_SECONDS = 5
_SESSION = """
SET application_name = 'studyspot parked events';
-- A command that was stopped must not hold up the workers.
SET idle_in_transaction_session_timeout = '5s';
SET statement_timeout = '30s';
SET lock_timeout = '10s';
"""
_KEYS = """
SELECT DISTINCT ON (key) position, key, library_id, user_id, reason, parked_at,
    count(*) OVER (PARTITION BY key) - 1 AS followers
FROM read.parked JOIN read.current USING (name, version, number)
WHERE name = %(name)s AND (%(key)s::text IS NULL OR key = %(key)s) ORDER BY key, position
"""
_COUNTS = """
SELECT name, count(*) FROM read.parked JOIN read.current USING (name, version, number) GROUP BY name
"""
_KEY_AT = """
SELECT key FROM read.parked JOIN read.current USING (name, version, number)
WHERE name = %s AND position = %s
"""
_FOLLOWERS = """
SELECT position FROM read.parked JOIN read.current USING (name, version, number)
WHERE name = %s AND key = %s AND position > %s ORDER BY position LIMIT %s
"""


class NotParked(Exception):
    """No event of the projection is parked at this position."""

    def __init__(self, name: str, position: int) -> None:
        super().__init__(f"no event of {name} is parked at {position}")


@dataclass(frozen=True, slots=True)
class StandingKey:
    """A key that stands still: the first of its parked events, and how many follow it."""

    position: int
    type: str
    key: str
    library_id: str | None
    user_id: str | None
    reason: str
    parked_at: datetime
    followers: int


@dataclass(frozen=True, slots=True)
class Follower:
    position: int
    type: str


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """One parked event as it is stored, the first of its key, and those that follow that, oldest first.

    Of the followers, at most `MOST_FOLLOWERS` are named.
    """

    event: StoredEvent
    first: StandingKey
    followers: tuple[Follower, ...]


def parked_keys(database_url: str, projection: Projection) -> tuple[StandingKey, ...]:
    """Return the keys that are parked, by the positions of their first events.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    with connected(database_url) as connection:
        return _keys(connection, projection, None)


def parked_event(database_url: str, projection: Projection, position: int) -> ParkedEvent:
    """Return the event that is parked at this position, with all that is known of its key.

    Raises:
        NotParked: there is none.
        psycopg.OperationalError: the database does not answer.
    """
    with connected(database_url) as connection:
        key = key_at(connection, projection, position)
        (first,) = _keys(connection, projection, key)
        (event,) = events_at(connection, [position])
        found = connection.execute(_FOLLOWERS, [projection.name, key, first.position, MOST_FOLLOWERS])
        types = _types(connection, [following for (following,) in found])
        return ParkedEvent(event, first, tuple(Follower(*one) for one in types.items()))


def key_at(connection: Connection[Any], projection: Projection, position: int) -> str:
    """Return the key of the event that is parked at this position.

    Raises:
        NotParked: there is none.
    """
    try:
        found = connection.execute(_KEY_AT, [projection.name, position]).fetchone()
    except psycopg.errors.UndefinedTable:  # No worker has run yet.
        found = None
    if found is None:
        raise NotParked(projection.name, position)
    return str(found[0])


def parked_counts(database_url: str) -> dict[str, int]:
    """Return how many events of each projection are parked, where any is.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    with connected(database_url) as connection:
        try:
            return dict(connection.execute(_COUNTS).fetchall())
        except psycopg.errors.UndefinedTable:  # No worker has run yet.
            return {}


@contextmanager
def connected(database_url: str) -> Iterator[Connection[Any]]:
    """Connect for the block, in autocommit.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    with psycopg.connect(
        database_url, autocommit=True, connect_timeout=_CONNECT_WITHIN_SECONDS, tcp_user_timeout=5000
    ) as connection:
        connection.execute(_SESSION)
        yield connection


def _keys(connection: Connection[Any], projection: Projection, key: str | None) -> tuple[StandingKey, ...]:
    try:
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(_KEYS, {"name": projection.name, "key": key}).fetchall()
    except psycopg.errors.UndefinedTable:  # No worker has run yet.
        return ()
    types = _types(connection, [row["position"] for row in rows])
    found = (
        StandingKey(type=types[row["position"]], **{**row, "parked_at": row["parked_at"].astimezone(UTC)})
        for row in rows
    )
    return tuple(sorted(found, key=lambda known: known.position))


def _types(connection: Connection[Any], positions: list[int]) -> dict[int, str]:
    return {event.position: event.type for event in events_at(connection, positions)}
