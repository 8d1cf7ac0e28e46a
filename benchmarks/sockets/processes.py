"""Servers as processes: begun with their output kept, awaited, measured and ended."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from studyspot.embedded.parents import told_of_parents_death
from studyspot.embedded.ports import LOOPBACK
from studyspot.embedded.waiting import wait_until

READY_WITHIN = timedelta(seconds=30)
_END_SECONDS = 10.0
_TOLD_BYTES = 2000


class NotReady(Exception):
    """A server did not become ready; the message has the end of what it said."""


@contextmanager
def running(
    argv: Sequence[str],
    *,
    is_ready: Callable[[], bool],
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, which is told what to do on its standard input, and end it.

    Raises:
        NotReady: it has ended, or does not answer.
    """
    with log.open("ab") as said:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            env=dict(environment or os.environ),
            preexec_fn=told_of_parents_death(signal.SIGTERM),
        )
    try:
        if (
            not wait_until(lambda: process.poll() is not None or is_ready(), READY_WITHIN)
            or process.poll() is not None
        ):
            raise NotReady(f"{argv[0]}: {log.read_text(errors='replace')[-_TOLD_BYTES:]}")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_END_SECONDS)
        if process.stdin is not None:
            process.stdin.close()


def memory_bytes(pid: int) -> int:
    """Return what a process holds in memory (resident)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid: int) -> float:
    """Return how much processor time a process and its children have used."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = 0
    for one in (str(pid), *children):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def accepts(port: int) -> bool:
    """Say whether something listens on a loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False
