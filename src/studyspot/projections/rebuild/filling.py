"""One part of a rebuild, in a process of its own: fold a share of the keys, and copy its rows."""

import os
import signal
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import parent_process
from multiprocessing.context import ForkServerContext
from threading import Thread

import psycopg
from psycopg.types.json import Jsonb

from studyspot.event_store.errors import StoreUnavailable
from studyspot.projections.models.registry import named
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild.errors import RebuildStopped
from studyspot.projections.rebuild.folding import Folded, fold_log
from studyspot.projections.rebuild.part import Part
from studyspot.projections.rebuild.refused_rows import copy_what_fits
from studyspot.projections.rebuild.shares import Share

_LOOK_EVERY_SECONDS = 0.5
_STOP_WITHIN_SECONDS = 2.0
_SESSION = """
SET application_name = 'studyspot rebuild';
-- A part is done in one piece or not at all, and is done again when it is lost.
SET synchronous_commit = off;
SET idle_in_transaction_session_timeout = '30s';
"""


@dataclass(frozen=True, slots=True)
class Signals:
    """What the processes of a rebuild share: events read so far, by share, and whether they should stop.

    Nothing here is locked: a process may be killed at any moment, and would take the lock along.
    """

    events: MutableSequence[int]
    _stop: MutableSequence[int]

    @classmethod
    def of(cls, context: ForkServerContext, shares: int) -> "Signals":
        return cls(context.RawArray("q", shares), context.RawArray("b", 1))

    @property
    def stopped(self) -> bool:
        return bool(self._stop[0])

    def stop(self) -> None:
        self._stop[0] = True


def begin_process(signals: Signals) -> None:
    """Prepare a process of the pool: it ends with the one that began it, not with an interrupt of its own."""
    global _signals
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _signals = signals
    Thread(target=_end_in_time, args=[signals], name="end-in-time", daemon=True).start()


def _end_in_time(signals: Signals) -> None:
    """End at once when the parent is killed, and soon when the work is stopped, whatever it waits for.

    Nobody else would tell this process to end, and a database may be silent for long.
    """
    parent = parent_process()
    assert parent is not None
    while parent.is_alive() and not signals.stopped:
        parent.join(_LOOK_EVERY_SECONDS)
    parent.join(_STOP_WITHIN_SECONDS)
    os._exit(1)


def fill(part: Part) -> None:
    """Fold the part and copy its rows; nothing happens where that was done before.

    Raises:
        RebuildStopped: the rebuild was stopped.
        StoreUnavailable: the database did not answer in time.
        PoisonEvent, UnknownEvent: as `fold_log`.
    """
    projection, folded = _fold(part)
    with _connected(part) as connection:
        copy_what_fits(
            connection, projection, part, folded, enter=partial(_enter, connection, part), go_on=_go_on
        )


def fill_scratch(part: Part) -> frozenset[str]:
    """Fold the part and copy its rows into tables that only a verification sees; return the sampled keys.

    Raises: as `fill`.
    """
    projection, folded = _fold(part)
    with _connected(part) as connection:
        copy_what_fits(connection, projection, part, folded, enter=_always, go_on=_go_on)
    return frozenset(folded.keys)


def _always(_: Folded) -> bool:
    return True


@contextmanager
def _connected(part: Part) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(part.database_url, connect_timeout=5, autocommit=True) as connection:
            connection.execute(_SESSION)
            yield connection
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error


def _fold(part: Part) -> tuple[Projection, Folded]:
    _go_on()
    (projection,) = named([part.build.name])
    folded = fold_log(
        part.database_url,
        projection,
        until=part.until,
        shares=part.shares,
        dropped=part.dropped,
        tell=partial(_tell, part.share),
        note_keys=part.sample is not None,
    )
    return projection, folded


def _enter(connection: psycopg.Connection, part: Part, folded: Folded) -> bool:
    """Enter the part as done, in the transaction that does it; false where another process has done it."""
    entered = connection.execute(
        "INSERT INTO read.rebuilt_parts (name, part, events, parked) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [part.build.name, part.share.index, folded.events, Jsonb([asdict(each) for each in folded.parked])],
    )
    return entered.rowcount == 1


def _tell(share: Share, events: int) -> None:
    _signals.events[share.index] += events
    _go_on()


def _go_on() -> None:
    if _signals.stopped:
        raise RebuildStopped


_signals: Signals
