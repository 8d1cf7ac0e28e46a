"""The load generator that is the same for every server: a process of its own, full of raw sockets.

What it receives it keeps, and checks when the clock has stopped; so reading costs little more than the system
calls, and the server is what is measured.
"""

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.sockets import crowd_process
from benchmarks.sockets.dialects import Dialect, Step
from benchmarks.sockets.frames import upgrade_request
from benchmarks.sockets.reader import Opening

_ANSWER_SECONDS = 300.0
_END_SECONDS = 5.0
_SOCKETS_OF_AN_ADDRESS = 50


@dataclass(frozen=True, slots=True)
class Opened:
    """When opening a crowd began and was done (seconds of `time.monotonic`), and how often one came again."""

    began: float
    done: float
    refused: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.done - self.began


class Crowd:
    """Sockets in a process of their own, which is `pid`."""

    def __init__(self, commands: Connection, pid: int) -> None:
        self.pid = pid
        self._commands = commands

    def open(
        self, dialect: Dialect, port: int, steps: Sequence[tuple[Step, ...]], *, at_once: int = 200,
        within: float = 0.0, most_bytes: int = 4096, limit: float = 60.0, stamped: bool = False,
    ) -> Opened:  # fmt: skip
        """Open a socket for each of `steps`, evenly within so many seconds, and wait until all are ready.

        With `stamped`, `delays` can be asked for.

        Raises:
            TimeoutError: they were not within `limit` seconds.
        """
        request = upgrade_request(port, dialect.path, dialect.subprotocol)
        openings = [
            Opening(request, of_one, _address(number), within * number / len(steps), stamped)
            for number, of_one in enumerate(steps)
        ]
        return Opened(*self._command("open", port, openings, at_once, most_bytes, limit))

    def expect(self, *markers: bytes) -> None:
        """Let each socket wait for bytes of its own that come last, or all for the same."""
        self._command("expect", markers)

    def forget(self) -> None:
        """Forget what was received so far."""
        self._command("forget")

    def wait(self, *, limit: float) -> float:
        """Return when the last socket had what it waited for (seconds of `time.monotonic`).

        Raises:
            TimeoutError: some had not within `limit` seconds.
        """
        moment: float = self._command("wait", limit)
        return moment

    def wrongs(self, dialect: Dialect, *events: Sequence[bytes]) -> Sequence[str]:
        """Say what is wrong with each socket that did not receive exactly its events, in order.

        With several lists of `events`, the first socket should have the first, the next the next, and around.
        """
        found: Sequence[str] = self._command("wrongs", dialect, events)
        return found

    def events(self, dialect: Dialect) -> Sequence[Sequence[bytes]]:
        """Return the events that each socket received, over its connections, in JSON."""
        found: Sequence[Sequence[bytes]] = self._command("events", dialect)
        return found

    def delays(self, dialect: Dialect, *moments: Sequence[float]) -> Sequence[float]:
        """Return how long each event took to each socket, in seconds; to be asked when no socket is wrong.

        `moments` are those (seconds of `time.time`) at which each socket's events began. With several, the
        first socket has the first, the next the next, and around. The end is when the socket's kernel had
        the event: how long this process takes to read it is no part of it.
        """
        found: Sequence[float] = self._command("delays", dialect, moments)
        return found

    def ready_at(self) -> Sequence[float]:
        """Return when each socket was ready (seconds of `time.monotonic`)."""
        moments: Sequence[float] = self._command("ready_at")
        return moments

    def newest(self, before: bytes, after: bytes) -> Sequence[bytes | None]:
        """Return what stood between these two when each socket that was dropped last received them."""
        found: Sequence[bytes | None] = self._command("newest", before, after)
        return found

    def drop(self, *, keep: bool = False) -> float:
        """Cut all sockets off at once, and return when; `keep` what they received for the checks."""
        moment: float = self._command("drop", keep)
        return moment

    def _command(self, name: str, *arguments: object) -> Any:
        self._commands.send((name, arguments))
        if not self._commands.poll(_ANSWER_SECONDS):
            raise TimeoutError(f"the crowd did not {name} within {_ANSWER_SECONDS:g} s")
        answer = self._commands.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def _address(number: int) -> str:
    """Return the loopback address of a socket: a crowd comes from many, as people do."""
    return f"127.1.0.{1 + number // _SOCKETS_OF_AN_ADDRESS}"


@contextmanager
def crowd() -> Iterator[Crowd]:
    """Run the process, and end it with all its sockets."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=crowd_process.run, args=(theirs,), name="crowd", daemon=True)
    process.start()
    theirs.close()
    try:
        assert process.pid is not None
        yield Crowd(ours, process.pid)
    finally:
        ours.close()
        process.join(_END_SECONDS)
        if process.is_alive():
            process.kill()
            process.join(_END_SECONDS)
