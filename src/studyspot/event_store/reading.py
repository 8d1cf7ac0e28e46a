"""Reads: rows and the head that bounds them, from one statement and so from one instant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from struct import Struct
from typing import Any, Generic, TypeVar

from studyspot.event_store.answers import STORED_ANSWER
from studyspot.event_store.arrays import PackedArray, TextArray
from studyspot.event_store.connections import TimeLimitedConnection
from studyspot.event_store.criteria import Groups, Shape, matching_positions
from studyspot.event_store.errors import KeyReused
from studyspot.event_store.types import Criterion, Head, IdempotencyKey, Snapshot, StoredAnswer, StoredEvent

Answer = TypeVar("Answer")
Rows = Sequence[tuple[Any, ...]]

_BIGINT = Struct("!q")

_HEAD = "SELECT position, epoch, halted FROM store.head"

# Without the outer join an empty result would not tell the head it was empty at.
_SNAPSHOT = """
SELECT h.position, h.epoch || pg_postmaster_start_time()::text, {answer},
    e.position, e.epoch, e.type, e.data, e.tags
FROM store.head h {with_answer} LEFT JOIN LATERAL (
    SELECT e.* FROM (SELECT DISTINCT m.position FROM ({matching}) m ORDER BY m.position {limit}) m
    CROSS JOIN LATERAL (SELECT * FROM store.events e WHERE e.position = m.position LIMIT 1) e
) e ON true ORDER BY e.position
"""
_PAGE = """
SELECT position, epoch, type, data, tags FROM store.events
WHERE position > %(after)b AND position <= %(until)b ORDER BY position LIMIT %(limit)b
"""
_TAG_RANGES = """
SELECT e.position, e.epoch, e.type, e.data, e.tags FROM (
    SELECT DISTINCT m.position FROM unnest(%(firsts)b::text[], %(lasts)b::text[]) r(first, last)
    CROSS JOIN LATERAL (
        SELECT t.position FROM store.event_tags t
        WHERE t.tag >= r.first COLLATE "C" AND t.tag <= r.last COLLATE "C"
            AND t.type = ANY(%(types)b::text[])
        OFFSET 0  -- or all events of the types might be read to look for the tags among them
    ) m
) m JOIN store.events e USING (position) ORDER BY e.position
"""
_NO_LIMIT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Query(Generic[Answer]):
    """One statement, its parameters by name, and what its rows mean."""

    statement: str
    parameters: dict[str, PackedArray[Any] | int | str]
    answer: Callable[[Rows], Answer]

    def ask(self, connection: TimeLimitedConnection) -> Answer:
        """Return the answer that the database gives.

        Raises:
            psycopg.Error: it gives none.
        """
        with connection.cursor(binary=True) as cursor:
            return self.answer(cursor.execute(self.statement, self.parameters, prepare=True).fetchall())

    def packed(self) -> dict[str, bytes]:
        """Return the parameters in PostgreSQL's binary format."""
        return {name: _packed(value) for name, value in self.parameters.items()}


def head() -> Query[Head]:
    """Ask for the end of the log."""
    return Query(_HEAD, {}, _head)


def snapshot(
    criteria: Sequence[Criterion],
    *,
    after: int,
    until: int | None,
    limit: int | None,
    key: IdempotencyKey | None,
) -> Query[Snapshot]:
    """Ask for the events in (`after`, `until`] that match any criterion, at most `limit`, oldest first.

    What answers it raises KeyReused where `key` belongs to a command with another body.
    """
    groups = Groups()
    for criterion in criteria or (Criterion(),):
        groups.add([criterion], after=max(after, criterion.after))
    parameters: dict[str, PackedArray[Any] | int | str] = {
        **groups.parameters(),
        "until": _NO_LIMIT if until is None else until,
    }
    if limit is not None:
        parameters["limit"] = limit
    if key is not None:
        parameters |= {"actor": key.actor, "key": key.key}
    statement = _snapshot_statement(groups.shapes, limit is not None, key is not None)
    return Query(statement, parameters, partial(_snapshot, key))


def tag_ranges(types: Sequence[str], ranges: Sequence[tuple[str, str]]) -> Query[tuple[StoredEvent, ...]]:
    """Ask for the events of `types` with a tag in any of `ranges`, both ends included, oldest first."""
    parameters: dict[str, PackedArray[Any] | int | str] = {
        "types": TextArray(types),
        "firsts": TextArray(first for first, _ in ranges),
        "lasts": TextArray(last for _, last in ranges),
    }
    return Query(_TAG_RANGES, parameters, _events)


def page(*, after: int, until: int = _NO_LIMIT, limit: int) -> Query[tuple[StoredEvent, ...]]:
    """Ask for the events of every type in (`after`, `until`], at most `limit`, oldest first."""
    return Query(_PAGE, {"after": after, "until": until, "limit": limit}, _events)


def _packed(value: PackedArray[Any] | int | str) -> bytes:
    if isinstance(value, PackedArray):
        return value.packed()
    return _BIGINT.pack(value) if isinstance(value, int) else value.encode()


def _head(rows: Rows) -> Head:
    [(position, epoch, halted)] = rows
    return Head(position, epoch, halted)


def _snapshot(key: IdempotencyKey | None, rows: Rows) -> Snapshot:
    head, history, answer_position, fingerprint, body = rows[0][:5]
    answer = None
    if key is not None and answer_position is not None:
        if fingerprint != key.fingerprint:
            raise KeyReused
        answer = StoredAnswer(answer_position, body)
    events = tuple(_event(*row[5:]) for row in rows if row[5] is not None)
    return Snapshot(events, head, history, answer)


def _events(rows: Rows) -> tuple[StoredEvent, ...]:
    return tuple(_event(*row) for row in rows)


def _event(position: int, epoch: str, event_type: str, data: bytes, tags: list[str]) -> StoredEvent:
    return StoredEvent(position, epoch, event_type, data, tuple(tags))


@lru_cache(maxsize=512)
def _snapshot_statement(shapes: tuple[Shape, ...], limited: bool, keyed: bool) -> str:
    return _SNAPSHOT.format(
        answer="a.position, a.fingerprint, a.body" if keyed else "NULL::bigint, NULL::bytea, NULL::bytea",
        with_answer=f"LEFT JOIN LATERAL ({STORED_ANSWER}) a ON true" if keyed else "",
        matching=matching_positions(shapes, limited=limited),
        limit="LIMIT %(limit)b" if limited else "",
    )
