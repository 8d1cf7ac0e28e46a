"""The events of the store, slice by slice, on several processors: most of the work is to decode them."""

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

from studyspot.event_store.inspection import Ends
from studyspot.log_audit.events import Slice, audit_ends, audit_slice
from studyspot.log_audit.findings import Difference, Findings, Progress

SLICE = 20_000
"""Positions that one process looks at, and that progress is told of, at a time."""
WORTHWHILE = 100_000
"""A log of fewer events is looked at before other processes have even begun."""
MOST_PROCESSES = 8


class AuditBroken(Exception):
    """One of the audit's processes was killed."""


def processes_for(head: int) -> int:
    """Return how many processes are worth while for a log of that length."""
    return min(os.cpu_count() or 1, MOST_PROCESSES) if head >= WORTHWHILE else 1


def audit_events(
    database_url: str,
    ends: Ends,
    findings: Findings,
    progress: Progress,
    *,
    processes: int,
    slice_positions: int = SLICE,
) -> int:
    """Look at every event up to the head; return how many there are.

    Raises:
        StoreUnavailable: the database does not answer.
        AuditBroken: a process was killed.
    """
    audit_ends(ends, findings)
    slices = [
        Slice(database_url, after, min(after + slice_positions, ends.position), ends.epochs)
        for after in range(0, ends.position, slice_positions)
    ]
    looked = 0
    results = map(audit_slice, slices) if processes == 1 else _in_processes(slices, processes)
    for part, (events, differences) in zip(slices, results, strict=True):
        findings.take_over(differences)
        looked += events
        progress("events", part.until, ends.position)
    return looked


def _in_processes(slices: Iterable[Slice], processes: int) -> Iterator[tuple[int, tuple[Difference, ...]]]:
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin_process)
    try:
        yield from pool.map(audit_slice, slices)
    except BrokenProcessPool as error:
        raise AuditBroken("one of the audit's processes was killed") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_process() -> None:
    """Prepare a process of the pool: it ends with the one that began it, not by an interrupt of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None, "a process of the pool has a parent"
    parent.join()
    os._exit(1)
