"""What the store's tables say beyond what appends and reads ask of them, for audits.

The tag index has no order by position, so it is compared by digests: those of what the events' tags call
for, against those of the rows that are there. Only stretches whose digests differ are looked at row by row.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg

from studyspot.event_store.connections import connect_scanner
from studyspot.event_store.errors import StoreUnavailable

STRETCH = 10_000
"""Positions that share one digest."""
OUTSIDE = -1
"""The stretch of rows at positions that the log does not have."""
_BLOCKS = 2_000
_WINDOW = 2_000

# Each of one statement, and so of one instant: appends may go on.
_ENDS = """
SELECT h.position, h.epoch, array_remove(array_agg(e.position ORDER BY e.position), NULL)
FROM store.head h LEFT JOIN LATERAL (
    (SELECT position FROM store.events WHERE position < 1 ORDER BY position LIMIT %(limit)b)
    UNION ALL
    (SELECT position FROM store.events WHERE position > h.position ORDER BY position LIMIT %(limit)b)
) e ON true GROUP BY h.position, h.epoch
"""
_EVENTS = """
SELECT position, epoch, type, data, tags FROM store.events
WHERE position > %(after)b AND position <= %(until)b ORDER BY position
"""
_EPOCHS = "SELECT after, epoch FROM store.epochs ORDER BY after, begun_at"
_DIGEST = "count(*), coalesce(bit_xor(hashtextextended(t.tag || E'\\n' || t.type, t.position)), 0)"
_CALLED_FOR = """
SELECT (t.position - 1) / %(stretch)b::bigint, {digest} FROM (
    SELECT unnest(tags) AS tag, type, position FROM store.events
    WHERE position > %(after)b AND position <= %(until)b
) t GROUP BY 1
"""
_STRETCH_OF_ROW = """
CASE WHEN t.position BETWEEN 1 AND %(head)b::bigint THEN (t.position - 1) / %(stretch)b::bigint ELSE -1 END
"""
_ROWS = """
FROM store.event_tags t CROSS JOIN store.head h
WHERE t.ctid >= %(first)s::tid AND t.ctid < %(last)s::tid
    AND (t.position <= %(head)b::bigint OR t.position > h.position)
"""
_THERE = "SELECT {stretch}, {digest} {rows} GROUP BY 1"
_MISSING = """
SELECT e.position, e.type, t.tag FROM store.events e CROSS JOIN LATERAL unnest(e.tags) t(tag)
WHERE e.position > %(after)b AND e.position <= %(until)b AND NOT EXISTS (
    SELECT FROM store.event_tags i WHERE i.tag = t.tag AND i.type = e.type AND i.position = e.position
) ORDER BY e.position, t.tag
"""
_EXTRA = """
SELECT t.position, t.type, t.tag {rows} AND {stretch} = ANY(%(stretches)b::bigint[]) AND NOT EXISTS (
    SELECT FROM store.events e WHERE e.position = t.position AND e.type = t.type AND t.tag = ANY(e.tags)
) ORDER BY t.position, t.tag
"""
_SIZE = "SELECT pg_relation_size('store.event_tags') / current_setting('block_size')::bigint"

EventRow = tuple[int, str, str, bytes, list[str]]
"""Position, epoch, type, stored data and tags."""
Digest = tuple[int, int]
"""How many rows, and all of their hashes in one."""
TagRow = tuple[int, str, str]
"""Position, type and tag."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The head row, events that lie outside of the log that it bounds, and each epoch with where it began.

    `outside` holds at most `Inspection.OUTSIDE_LIMIT` positions on either side.
    """

    position: int
    epoch: str
    outside: tuple[int, ...]
    epochs: tuple[tuple[int, str], ...]


class Inspection:
    """Looks at the store's tables on a connection of its own; each statement within the scanner's limit."""

    OUTSIDE_LIMIT = 1_000

    def __init__(self, database_url: str) -> None:
        """Connect.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        try:
            self._connection = connect_scanner(database_url)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def ends(self) -> Ends:
        """Return where the log ends, by its head row and by its events.

        Raises:
            StoreUnavailable: the database did not answer in time.
        """
        [(position, epoch, outside)] = self._ask(_ENDS, {"limit": self.OUTSIDE_LIMIT})
        return Ends(position, epoch, tuple(outside), tuple(self._ask(_EPOCHS, {})))

    def events(self, after: int, until: int) -> Iterator[list[EventRow]]:
        """Yield the events in (`after`, `until`], by windows of positions.

        Raises:
            StoreUnavailable: the database did not answer in time.
        """
        for first in range(after, until, _WINDOW):
            yield self._ask(_EVENTS, {"after": first, "until": min(first + _WINDOW, until)})

    def called_for(self, head: int) -> Iterator[dict[int, Digest]]:
        """Yield, stretch after stretch up to `head`, the digests of the rows that events' tags call for.

        Raises:
            StoreUnavailable: the database did not answer in time.
        """
        statement = _CALLED_FOR.format(digest=_DIGEST)
        for after in range(0, head, STRETCH):
            window = {"after": after, "until": min(after + STRETCH, head), "stretch": STRETCH}
            yield {stretch: (rows, digest) for stretch, rows, digest in self._ask(statement, window)}

    def there(self, head: int) -> Iterator[dict[int, Digest]]:
        """Yield digests of the rows that are there, of which each stretch may have several.

        Rows after `head` belong to later appends, and are left out, unless the log does not reach them now.

        Raises:
            StoreUnavailable: the database did not answer in time.
        """
        statement = _THERE.format(stretch=_STRETCH_OF_ROW, digest=_DIGEST, rows=_ROWS)
        for window in self._blocks(head):
            yield {stretch: (rows, digest) for stretch, rows, digest in self._ask(statement, window)}

    def missing_rows(self, stretch: int, head: int) -> list[TagRow]:
        """Return the rows of a stretch that its events call for, and that are not there.

        Raises:
            StoreUnavailable: the database did not answer in time.
        """
        after = stretch * STRETCH
        return self._ask(_MISSING, {"after": after, "until": min(after + STRETCH, head)})

    def extra_rows(self, stretches: Collection[int], head: int) -> Iterator[list[TagRow]]:
        """Yield the rows of some stretches for which no event calls.

        Raises:
            StoreUnavailable: the database did not answer in time.
        """
        statement = _EXTRA.format(rows=_ROWS, stretch=_STRETCH_OF_ROW)
        for window in self._blocks(head):
            yield self._ask(statement, window | {"stretches": list(stretches)})

    @property
    def blocks(self) -> int:
        """How many steps `there` and `extra_rows` take."""
        [(blocks,)] = self._ask(_SIZE, {})
        return -(-int(blocks) // _BLOCKS)

    def _blocks(self, head: int) -> Iterator[dict[str, Any]]:
        """Return what bounds each statement over the tag index: some of its blocks on disk."""
        for number in range(self.blocks):
            first, last = number * _BLOCKS, (number + 1) * _BLOCKS
            yield {"first": f"({first},0)", "last": f"({last},0)", "head": head, "stretch": STRETCH}

    def _ask(self, statement: str, parameters: dict[str, Any]) -> list[Any]:
        try:
            with self._connection.cursor(binary=True) as cursor:
                return cursor.execute(statement, parameters, prepare=True).fetchall()
        except psycopg.OperationalError as error:
            raise StoreUnavailable(str(error)) from error
