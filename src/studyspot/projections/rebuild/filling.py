"""One part of a rebuild, in a process of its own: fold a share of the keys, and copy its rows."""

import os
import signal
from dataclasses import asdict, dataclass
from multiprocessing.context import SpawnContext
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

import psycopg
from psycopg.types.json import Jsonb

from studyspot.event_store.errors import StoreUnavailable
from studyspot.projections.builds import Build
from studyspot.projections.models.registry import named
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild.copying import copy_rows
from studyspot.projections.rebuild.errors import RebuildStopped
from studyspot.projections.rebuild.folding import Folded, fold_log
from studyspot.projections.rebuild.shares import ALL, Share

_SESSION = """
SET application_name = 'studyspot rebuild';
-- A part is done in one piece or not at all, and is done again when it is lost.
SET synchronous_commit = off;
SET idle_in_transaction_session_timeout = '30s';
"""


@dataclass(frozen=True, slots=True)
class Part:
    """What one process is to do: the share of a projection's keys, and where their rows go."""

    database_url: str
    build: Build
    until: int
    share: Share
    dropped: frozenset[int]
    sample: Share = ALL


@dataclass(frozen=True, slots=True)
class Signals:
    """What the processes of a rebuild share: events read so far, and whether they should stop."""

    events: "Synchronized[int]"
    stop: Event

    @classmethod
    def of(cls, context: SpawnContext) -> "Signals":
        return cls(context.Value("q", 0), context.Event())


def begin_process(signals: Signals) -> None:
    """Prepare a process of the pool: it ends with the one that began it, not with an interrupt of its own."""
    global _signals, _parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _signals, _parent = signals, os.getppid()


def fill(part: Part) -> None:
    """Fold the part and copy its rows; nothing happens where that was done before.

    Raises:
        RebuildStopped: the rebuild was stopped, or has gone.
        StoreUnavailable: the database did not answer in time.
        PoisonEvent, UnknownEvent: as `fold_log`.
    """
    projection, folded = _fold(part)
    try:
        with psycopg.connect(part.database_url, connect_timeout=5) as connection:
            connection.execute(_SESSION)
            if _claims(connection, part, folded):
                copy_rows(connection, projection.tables, part.build, folded.effects)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error


def fill_scratch(part: Part) -> frozenset[str]:
    """Fold the part and copy its rows into tables that only a verification sees; return the sampled keys.

    Raises: as `fill`.
    """
    projection, folded = _fold(part)
    try:
        with psycopg.connect(part.database_url, connect_timeout=5) as connection:
            connection.execute(_SESSION)
            copy_rows(connection, projection.tables, part.build, folded.effects)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
    return frozenset(folded.keys)


def _fold(part: Part) -> tuple[Projection, Folded]:
    (projection,) = named([part.build.name])
    folded = fold_log(
        part.database_url,
        projection,
        until=part.until,
        shares=(part.share, part.sample),
        dropped=part.dropped,
        tell=_go_on,
        note_keys=part.sample.of > 1,
    )
    return projection, folded


def _claims(connection: psycopg.Connection, part: Part, folded: Folded) -> bool:
    """Enter the part as done, in the transaction that does it; false where another process has done it."""
    entered = connection.execute(
        "INSERT INTO read.rebuilt_parts (name, part, events, parked) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [part.build.name, part.share.index, folded.events, Jsonb([asdict(each) for each in folded.parked])],
    )
    return entered.rowcount == 1


def _go_on(events: int) -> None:
    if _signals.stop.is_set() or os.getppid() != _parent:
        raise RebuildStopped
    with _signals.events.get_lock():
        _signals.events.value += events


_signals: Signals
_parent: int
