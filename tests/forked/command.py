"""Commands as processes of their own that need not be started: a start is nearly all that a command costs."""

import asyncio
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 60
END_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended; its status is negative where a signal has killed it."""

    status: int
    output: str
    errors: str


async def run(
    *arguments: str, environment: Mapping[str, str], directory: Path | None = None, typed: str = ""
) -> Ended:
    """Run `studyspot` with this on its standard input, and wait for its end.

    Raises:
        TimeoutError: it did not end in time, and was killed.
    """
    return await asyncio.to_thread(_run, arguments, environment, directory or Path.cwd(), typed)


def _run(arguments: tuple[str, ...], environment: Mapping[str, str], directory: Path, typed: str) -> Ended:
    request = {"arguments": arguments, "environment": dict(environment), "directory": str(directory)}
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        given.write(typed.encode())
        given.seek(0)
        told, tell = os.pipe()
        with os.fdopen(told) as ending:
            try:
                streams = [given.fileno(), output.fileno(), errors.fileno(), tell]
                socket.send_fds(_forker(), [json.dumps(request).encode()], streams)
            finally:
                os.close(tell)
            status = _status(ending)
        return Ended(status, _written(output), _written(errors))


@cache
def _forker() -> socket.socket:
    """Return where commands are sent: one process forks all of a test run's, or of one of its workers."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked.server", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    atexit.register(_end, ours, process)
    return ours


def _end(ours: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    """Close our end, as would the end of this process: there is no other order to end."""
    ours.close()
    process.wait(END_SECONDS)


def _status(ending: IO[str]) -> int:
    pid = int(_line(ending))
    try:
        return int(_line(ending))
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        raise


def _line(told: IO[str]) -> str:
    if not select.select([told], [], [], LIMIT_SECONDS)[0]:
        raise TimeoutError("the command did not end in time")
    return told.readline()


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
