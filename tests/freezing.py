"""Processes that stand still until they are thawed."""

import os
import signal
from datetime import timedelta
from pathlib import Path

from studyspot.embedded.waiting import wait_until

_STANDS_STILL_WITHIN = timedelta(seconds=30)


def freeze(pid: int) -> None:
    """Stop every thread of a process; none of them runs when this returns."""
    os.kill(pid, signal.SIGSTOP)
    # The signal is one thread's to take: on a busy machine the others still work for a while.
    assert wait_until(lambda: _stands_still(pid), _STANDS_STILL_WITHIN)


def thaw(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)


def _stands_still(pid: int) -> bool:
    return all(_state(thread) in "TZX" for thread in Path(f"/proc/{pid}/task").iterdir())


def _state(thread: Path) -> str:
    try:
        stat = (thread / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "X"
    # The command's name stands before it in parentheses, and may hold some itself.
    return stat.rpartition(")")[2].split()[0]
