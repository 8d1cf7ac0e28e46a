"""Reading the whole log, or all of some types, as fast as it comes: for rebuilds and audits."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Composed

from studyspot.event_store.connections import connect_scanner
from studyspot.event_store.errors import StoreDamaged, StoreUnavailable

WINDOW = 10_000
"""Positions that one statement looks at."""

Scanned = tuple[int, str, str, bytes]
"""Position, epoch, type and stored data."""

_WINDOW = """
SELECT position, epoch, type, data FROM store.events
WHERE position > %(after)b AND position <= %(until)b AND type = ANY(%(types)b::text[]) {narrowed}
ORDER BY position
"""
# What lies outside is neither sent nor decoded.
_IN_SHARE = """
AND mod(hashtextextended(coalesce({values}, ''), {salt}) & 9223372036854775807, {of}) = {index}
"""

_COUNT = "SELECT count(*) FROM store.events WHERE position <= %(until)b AND type = ANY(%(types)b::text[])"


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


@dataclass(frozen=True, slots=True)
class Share:
    """One of `of` shares of the events, by the value of the first of `fields` that an event's data has.

    Events with the same value are in the same share, and so are those with none; another `salt` gives others.
    """

    fields: tuple[str, ...]
    index: int
    of: int
    salt: int = 0


def scan(
    database_url: str, types: Collection[str], *, after: int, until: int, shares: Sequence[Share] = ()
) -> Iterator[list[Scanned]]:
    """Yield the events of some types, in all of `shares`, in (`after`, `until`], by windows of positions.

    `until` is at most the log's head as it was read before: what is committed later is not looked for. A
    window without such an event is an empty list, so that progress can be told.

    Raises:
        StoreUnavailable: the database did not answer in time.
        StoreDamaged: an event's data is not JSON, where shares are asked for.
    """
    narrowed = SQL("").join(_in_share(share) for share in shares if share.of > 1)
    statement = SQL(_WINDOW).format(narrowed=narrowed)
    try:
        with closing(connect_scanner(database_url)) as connection:
            for first in range(after, until, WINDOW):
                window = {"after": first, "until": min(first + WINDOW, until), "types": list(types)}
                with connection.cursor(binary=True) as cursor:
                    yield cursor.execute(statement, window, prepare=True).fetchall()
    except psycopg.DataError as error:
        raise StoreDamaged(f"stored data is not JSON: {error}") from error
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error


def _in_share(share: Share) -> Composed:
    facts = SQL("convert_from(data, 'UTF8')::json -> 'data' ->> {}")
    return SQL(_IN_SHARE).format(
        values=SQL(", ").join(facts.format(field) for field in share.fields),
        salt=share.salt,
        of=share.of,
        index=share.index,
    )
