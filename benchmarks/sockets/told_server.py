"""A peer that is a process: it reads its events from a file, and is told on standard input to send them."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.sockets.dialects import Dialect
from benchmarks.sockets.processes import accepts, running
from studyspot.embedded.ports import free_port


class ToldServer:
    """A server that runs; `pid` is its process."""

    def __init__(
        self, dialect: Dialect, process: subprocess.Popen[bytes], port: int, events: Sequence[bytes]
    ) -> None:
        self.dialect = dialect
        self.pid = process.pid
        self.port = port
        self._process = process
        self._events = events
        self._count = 0

    def prepare(self, library: str, count: int) -> Sequence[bytes]:
        """Return what sockets in the room should get next: always the first so many."""
        self._count = count
        return self._events[:count]

    def publish(self) -> None:
        """Let it send what was prepared."""
        self.tell(f"publish {self._count}")

    def prepare_of(self, libraries: Sequence[str]) -> Sequence[bytes]:
        """Return what is shown of the next events, one of each library: always the first so many."""
        return self._events[: len(libraries)]

    def send(self, first: int, end: int) -> None:
        """Let it send those of these numbers."""
        self.tell(f"send {first} {end}")

    def tell(self, line: str) -> None:
        """Give it a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()


@contextmanager
def told_server(
    program: Sequence[str],
    more: Sequence[str],
    dialect: Dialect,
    events: Sequence[bytes],
    environment: Mapping[str, str] | None = None,
) -> Iterator[ToldServer]:
    """Run `program PORT FILE-OF-EVENTS more…`, and end it."""
    home = Path(tempfile.mkdtemp(prefix="studyspot-benchmark-"))
    file = home / "events.jsonl"
    file.write_bytes(b"\n".join([*events, b""]))
    port = free_port()
    try:
        with running(
            [*program, str(port), str(file), *more],
            is_ready=lambda: accepts(port),
            log=home / "server.log",
            environment=environment,
        ) as process:
            yield ToldServer(dialect, process, port, events)
    finally:
        shutil.rmtree(home, ignore_errors=True)
