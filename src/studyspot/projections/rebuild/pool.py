"""Several processes at work on the parts of a rebuild, or of a verification."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver, get_context, resource_tracker
from multiprocessing.context import ForkServerContext
from typing import TypeVar

from studyspot.projections.rebuild.errors import RebuildError
from studyspot.projections.rebuild.filling import Signals, begin_process, fill
from studyspot.projections.rebuild.part import Part

_TELL_EVERY_SECONDS = 0.2

Result = TypeVar("Result")


async def in_processes(
    work: Callable[[Part], Result],
    parts: Sequence[Part],
    *,
    workers: int,
    tell: Callable[[Sequence[int]], None],
) -> list[Result]:
    """Return what `work` makes of each part, in processes that have ended when this does, however it ends.

    `tell` hears, a few times a second, how many events they have read, by the counters of the targets.

    Raises:
        RebuildError: a process was killed.
        Whatever `work` raises.
    """
    if not parts:
        return []
    context = _context()
    counters = 1 + max(target.counter for part in parts for target in part.targets)
    signals = Signals.of(context, counters)
    pool = ProcessPoolExecutor(workers, context, begin_process, (signals,))
    results: list[asyncio.Future[Result]] = []
    try:
        with _interrupts_blocked():
            results += [asyncio.wrap_future(pool.submit(work, part)) for part in parts]
        waiting = set(results)
        while waiting:
            finished, waiting = await asyncio.wait(
                waiting, timeout=_TELL_EVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            tell(signals.events)
            for part in finished:
                part.result()
        return [part.result() for part in results]
    except BrokenProcessPool as error:
        raise RebuildError(
            "one of its processes was killed", "begin it again: what is done is kept"
        ) from error
    finally:
        for part in results:
            part.cancel()  # Of those that are not done nobody is going to ask why.
        signals.stop()
        pool.shutdown(cancel_futures=True)


def prepare_processes() -> None:
    """Let what all processes import be imported while something else is done."""
    _context()
    # Its start lets SIGINT through again, so it is begun before the other.
    resource_tracker.ensure_running()
    with _interrupts_blocked():
        forkserver.ensure_running()


def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload([fill.__module__])  # What is imported once need not be by each.
    return context


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let processes that are begun here begin without SIGINT: a terminal's Ctrl-C reaches them as well.

    Before they ignore it they would be interrupted in the middle of their imports, and tell so at length.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
