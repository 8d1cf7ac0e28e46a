"""One part of a rebuild, in a process of its own: fold a share of the keys, and copy their rows."""

import os
import signal
from collections.abc import Iterator, MutableSequence, Sequence
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
from studyspot.projections.rebuild.errors import RebuildStopped
from studyspot.projections.rebuild.folding import Folded, fold_log
from studyspot.projections.rebuild.part import Part, Target
from studyspot.projections.rebuild.refused_rows import copy_what_fits
from studyspot.projections.rebuild.shared_reading import Taker

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
    """What the processes of a rebuild share: events read so far, by counter, and whether they should stop.

    Nothing here is locked: a process may be killed at any moment, and would take the lock along.
    """

    events: MutableSequence[int]
    _stop: MutableSequence[int]

    @classmethod
    def of(cls, context: ForkServerContext, counters: int) -> "Signals":
        return cls(context.RawArray("q", counters), context.RawArray("b", 1))

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
    """Fold the part and copy its rows, build by build; nothing happens to one where that was done before.

    Raises:
        RebuildStopped: the rebuild was stopped.
        StoreUnavailable: the database did not answer in time.
        PoisonEvent, UnknownEvent: as `fold_log`.
    """
    filled = _fold(part)
    with _connected(part) as connection:
        for target, taker, folded in filled:
            enter = partial(_enter, connection, part, target)
            copy_what_fits(connection, part, target, taker, folded, enter=enter, go_on=_go_on)


def fill_scratch(part: Part) -> frozenset[str]:
    """Fold the part and copy its rows into tables that only a verification sees; return the sampled keys.

    Raises: as `fill`.
    """
    filled = _fold(part)
    with _connected(part) as connection:
        for target, taker, folded in filled:
            copy_what_fits(connection, part, target, taker, folded, enter=_always, go_on=_go_on)
    return frozenset().union(*(folded.keys for _, _, folded in filled))


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


def _fold(part: Part) -> Sequence[tuple[Target, Taker, Folded]]:
    _go_on()
    takers = [
        Taker(projection, target.until, target.dropped)
        for target in part.targets
        for projection in named([target.build.name])
    ]
    folded = fold_log(
        part.database_url,
        takers,
        share=part.share,
        tell=partial(_tell, part.targets),
        sample=part.sample,
    )
    return tuple(zip(part.targets, takers, folded, strict=True))


def _enter(connection: psycopg.Connection, part: Part, target: Target, folded: Folded) -> bool:
    """Enter the part as done, in the transaction that does it; false where another process has done it."""
    entered = connection.execute(
        "INSERT INTO read.rebuilt_parts (name, part, events, parked) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [target.build.name, part.share.index, folded.events, Jsonb([asdict(each) for each in folded.parked])],
    )
    return entered.rowcount == 1


def _tell(targets: Sequence[Target], events: Sequence[int]) -> None:
    for target, read in zip(targets, events, strict=True):
        _signals.events[target.counter] = read
    _go_on()


def _go_on() -> None:
    if _signals.stopped:
        raise RebuildStopped


_signals: Signals
