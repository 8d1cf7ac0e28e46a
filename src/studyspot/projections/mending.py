"""Applying parked events again, with the code of today, or dropping one for ever.

Both go through the parked events of one key in their order, a bounded number at a time, each time under the
lock of the build's row: so workers wait for a moment only, and none applies or parks by what was before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection

from studyspot.event_store.lookup import events_at
from studyspot.projections.builds import CHANNEL, Build
from studyspot.projections.errors import TablesLost
from studyspot.projections.parked_events import NotParked, connected, key_at
from studyspot.projections.parking import Happened, Sorted, entry, read, said, sort
from studyspot.projections.projection import Projection
from studyspot.projections.writing import Fragment, RowsRefused, refusals, writing, written

AT_ONCE = 200
"""Events under one lock: some milliseconds' work."""

_INTERRUPTED = "what came before it is applied; it was not tried yet"

# Whoever waited here while another build came to be read finds no row.
_LOCK = """
SELECT version, number, position FROM read.current JOIN read.builds USING (name, version, number)
WHERE name = %s AND superseded_at IS NULL FOR UPDATE OF builds
"""
_OLDEST = """
SELECT position FROM read.parked WHERE (name, version, number) = (%s, %s, %s) AND key = %s
ORDER BY position LIMIT %s
"""
_LET_GO = "DELETE FROM read.parked WHERE (name, version, number) = (%s, %s, %s) AND position = ANY(%s)"
_BLAME = """
UPDATE read.parked SET reason = %s WHERE (name, version, number) = (%s, %s, %s) AND position = %s
"""
_DROP = """
INSERT INTO read.dropped (name, position, key, reason) VALUES (%s, %s, %s, %s)
ON CONFLICT (name, position) DO UPDATE SET reason = excluded.reason, dropped_at = excluded.dropped_at
"""
_REVISE = """
UPDATE read.builds SET parked_revision = parked_revision + 1 WHERE (name, version, number) = (%s, %s, %s)
"""
_REVISE_ALL = "UPDATE read.builds SET parked_revision = parked_revision + 1 WHERE name = %s"
_DROPPED = "SELECT position FROM read.dropped WHERE name = %s AND position = ANY(%s)"


class NotFirst(Exception):
    """An earlier event of the same key is parked, and has to be mended first."""

    def __init__(self, position: int, key: str, first: int) -> None:
        super().__init__(f"the event at {position} follows the one at {first}, which is parked under {key}")
        self.first = first


class OtherVersionServed(Exception):
    """Readers read what another release has built: its own commands mend that."""

    def __init__(self, projection: Projection, served: int | None) -> None:
        read = "nothing" if served is None else f"version {served}"
        super().__init__(
            f"readers read {read} of {projection.name}, and this release has {projection.version}"
        )


@dataclass(frozen=True, slots=True)
class Mended:
    """How far a key came: `applied` of its events; the one at `position`, if any, still fails."""

    key: str
    applied: int
    position: int | None = None
    reason: str | None = None

    @property
    def free(self) -> bool:
        """Whether nothing of the key is parked any more."""
        return self.position is None


def retry(database_url: str, projection: Projection, position: int, *, at_once: int = AT_ONCE) -> Mended:
    """Apply the parked events of the key of the event at `position`, until one still fails.

    `at_once` of them are applied under one lock.

    Raises:
        NotParked, NotFirst: it is not the first parked event of a key.
        OtherVersionServed: it is another release that can apply it.
        TablesLost: the tables are not those of the description.
        psycopg.OperationalError: the database does not answer; what was applied is no longer parked.
    """
    with connected(database_url) as connection:
        key = key_at(connection, projection, position)
        return _mend(connection, projection, key, position, at_once)


def drop(database_url: str, projection: Projection, position: int, reason: str) -> Mended:
    """Leave the event at `position` out for ever, in every build, and go on with those that follow it.

    Raises:
        NotParked, NotFirst, OtherVersionServed, TablesLost, psycopg.OperationalError: as `retry`.
    """
    with connected(database_url) as connection:
        key = key_at(connection, projection, position)
        with connection.transaction():
            build, _ = _lock(connection, projection)
            _require_first(connection, build, key, position)
            connection.execute(_DROP, [projection.name, position, key, reason])
            connection.execute(_REVISE_ALL, [projection.name])
        return _mend(connection, projection, key, position, AT_ONCE)


def _mend(connection: Connection[Any], projection: Projection, key: str, first: int, at_once: int) -> Mended:
    applied = 0
    expected: int | None = first
    while True:
        with connection.transaction():
            build, reached = _lock(connection, projection)
            if expected is not None:
                _require_first(connection, build, key, expected)
                expected = None
            oldest = _oldest(connection, build, key, at_once + 1)
            here = _Here(connection, projection, build)
            tried = here.apply(oldest[:at_once])
            let_go, left = oldest[: tried.let_go], oldest[tried.let_go :]
            connection.execute(_LET_GO, [*_identity(build), let_go])
            if left:
                connection.execute(_BLAME, [tried.reason or _INTERRUPTED, *_identity(build), left[0]])
            else:
                # Until now workers know rightly that the key is parked: none has to look again.
                connection.execute(_REVISE, _identity(build))
            if tried.applied:
                notice = " ".join(map(str, (*_identity(build), reached)))
                connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, notice])
        applied += tried.applied
        if tried.reason is not None:
            return Mended(key, applied, left[0], tried.reason)
        if not left:
            return Mended(key, applied)


@dataclass(frozen=True, slots=True)
class _Tried:
    """`let_go` of the events need not be parked any more, `applied` of them are in the rows."""

    let_go: int
    applied: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Here:
    """Applies events of one key to one build, within the transaction that holds its lock."""

    connection: Connection[Any]
    projection: Projection
    build: Build

    def apply(self, positions: Sequence[int]) -> _Tried:
        """Apply the events at these positions up to the first that fails.

        Raises:
            UnknownEvent: a newer release wrote one.
            TablesLost: the tables are not those of the description.
        """
        stored = events_at(self.connection, positions)
        happened = [
            read(self.projection, event.position, event.epoch, event.type, event.data) for event in stored
        ]
        found = self.connection.execute(_DROPPED, [self.projection.name, list(positions)])
        dropped = frozenset(position for (position,) in found)
        try:
            return self._write(happened, dropped)
        except RowsRefused:
            return self._write_singly(happened, dropped)

    def _write_singly(self, happened: Sequence[Happened], dropped: frozenset[int]) -> _Tried:
        applied = 0
        for number, one in enumerate(happened):
            try:
                tried = self._write((one,), dropped)
            except RowsRefused as refused:
                return _Tried(number, applied, entry(self.projection, one, str(refused)).reason)
            if tried.reason is not None:
                return _Tried(number, applied, tried.reason)
            applied += tried.applied
        return _Tried(len(happened), applied)

    def _write(self, happened: Sequence[Happened], dropped: frozenset[int]) -> _Tried:
        """Write what the events change, all or nothing.

        Raises:
            RowsRefused: a row can never be written as it is.
        """
        sorted_events = sort(self.projection, happened, frozenset(), dropped)
        statement = writing(
            written(self.build, Sorted(sorted_events.changes)),
            claim=Fragment("SELECT %s::text AS name", [self.build.name]),
            end=Fragment("SELECT FROM claimed"),
        )
        try:
            with refusals(), self.connection.transaction():
                self.connection.execute(statement.text, statement.parameters)
        except psycopg.ProgrammingError as error:
            raise TablesLost(self.projection.name, said(error)) from error
        failed = sorted_events.parked[0] if sorted_events.parked else None
        let_go = [one for one in happened if failed is None or one.position < failed.position]
        applied = sum(one.position not in dropped for one in let_go)
        return _Tried(len(let_go), applied, failed.reason if failed else None)


def _lock(connection: Connection[Any], projection: Projection) -> tuple[Build, int]:
    """Lock the build that is read until the transaction ends; return it, and its position."""
    row = None
    for _ in range(2):
        row = row or connection.execute(_LOCK, [projection.name]).fetchone()
    if row is None or row[0] != projection.version:
        raise OtherVersionServed(projection, row[0] if row else None)
    return Build(projection.name, row[0], row[1]), row[2]


def _require_first(connection: Connection[Any], build: Build, key: str, position: int) -> None:
    oldest = _oldest(connection, build, key, 1)
    if not oldest or position < oldest[0]:
        raise NotParked(build.name, position)
    if position > oldest[0]:
        raise NotFirst(position, key, oldest[0])


def _oldest(connection: Connection[Any], build: Build, key: str, limit: int) -> list[int]:
    found = connection.execute(_OLDEST, [*_identity(build), key, limit])
    return [position for (position,) in found]


def _identity(build: Build) -> tuple[str, int, int]:
    return (build.name, build.version, build.number)
