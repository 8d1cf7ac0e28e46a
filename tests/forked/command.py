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
from collections.abc import Mapping, Sequence
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


class Process:
    """A command that has been begun, in a session of its own: what `Popen` knows of a process."""

    def __init__(self, ending: IO[str]) -> None:
        self._ending = ending
        self.pid = int(_line(ending))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit status; nothing while it runs."""
        if self.returncode is None and select.select([self._ending], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self) -> int:
        """Wait for its end, and return its exit status.

        Raises:
            TimeoutError: it did not end in time.
        """
        if self.returncode is None:
            self.returncode = int(_line(self._ending))
            self._ending.close()
        return self.returncode

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


async def run(
    *arguments: str, environment: Mapping[str, str], directory: Path | None = None, typed: str = ""
) -> Ended:
    """Run `studyspot` with this on its standard input, and wait for its end.

    Raises:
        TimeoutError: it did not end in time, and was killed.
    """
    return await asyncio.to_thread(_run, arguments, environment, directory or Path.cwd(), typed)


def begin(
    *arguments: str, environment: Mapping[str, str], directory: Path, streams: Sequence[IO[bytes]]
) -> Process:
    """Begin `studyspot` with these as its standard input, output and errors, and do not wait for its end."""
    request = {"arguments": arguments, "environment": dict(environment), "directory": str(directory)}
    told, tell = os.pipe()
    try:
        numbers = [*(stream.fileno() for stream in streams), tell]
        socket.send_fds(_forker(), [json.dumps(request).encode()], numbers)
    finally:
        os.close(tell)
    return Process(os.fdopen(told))


def _run(arguments: tuple[str, ...], environment: Mapping[str, str], directory: Path, typed: str) -> Ended:
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        given.write(typed.encode())
        given.seek(0)
        streams = (given, output, errors)
        process = begin(*arguments, environment=environment, directory=directory, streams=streams)
        try:
            status = process.wait()
        except TimeoutError:
            process.kill()
            raise
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


def _line(told: IO[str]) -> str:
    if not select.select([told], [], [], LIMIT_SECONDS)[0]:
        raise TimeoutError("the command did not end in time")
    return told.readline()


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
