"""A real terminal for a command: its keys, and what is shown on it."""

import asyncio
import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import Popen

LIMIT_SECONDS = 30
CTRL_C = b"\x03"


@dataclass
class Terminal:
    """The user's side of the terminal that `process` runs on."""

    process: Popen[bytes]
    descriptor: int
    shown: str = ""

    async def shows(self, text: str) -> None:
        """Wait until the text has been shown since the last one that was waited for."""
        await asyncio.to_thread(self._read_until, text)

    def press(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    async def ends(self) -> int:
        """Wait for the end of the process; return its exit status."""
        status = await asyncio.to_thread(self.process.wait, LIMIT_SECONDS)
        self._read_rest()
        return status

    def _read_until(self, text: str) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while text not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} is not shown: {self.shown}"
            if select.select([self.descriptor], [], [], 0.1)[0]:
                self.shown += os.read(self.descriptor, 65536).decode()
        self.shown = self.shown.partition(text)[2]

    def _read_rest(self) -> None:
        while select.select([self.descriptor], [], [], 0)[0]:
            try:
                self.shown += os.read(self.descriptor, 65536).decode()
            except OSError:  # Linux says so where the other side is closed.
                return


@contextmanager
def on_a_terminal(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a command on a terminal of its own, whose Ctrl-C reaches it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    process = Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm-256color"},
        start_new_session=True,
        preexec_fn=_control_by_this_terminal,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _control_by_this_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
