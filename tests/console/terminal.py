"""A real terminal for a command: its keys, and what is shown on it."""

import asyncio
import codecs
import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from subprocess import Popen

LIMIT_SECONDS = 60
CTRL_C = b"\x03"


@dataclass
class Terminal:
    """The user's side of the terminal that `process` runs on."""

    process: Popen[bytes]
    descriptor: int
    shown: str = ""
    # What is read may end in the middle of a character.
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    async def shows(self, text: str) -> None:
        """Wait until the text has been shown since the last one that was waited for."""
        await asyncio.to_thread(self._read_until, text)

    def press(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    async def ends(self) -> int:
        """Wait for the end of the process; return its exit status."""
        return await asyncio.to_thread(self._read_to_the_end)

    def _read_until(self, text: str) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while text not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} is not shown: {self.shown}"
            self._read(0.1)
        self.shown = self.shown.partition(text)[2]

    def _read_to_the_end(self) -> int:
        deadline = time.monotonic() + LIMIT_SECONDS
        while (status := self.process.poll()) is None:
            assert time.monotonic() < deadline, f"it does not end: {self.shown}"
            self._read(0.1)  # A terminal that nobody reads lets nothing more be written.
        while self._read(0):
            pass
        return status

    def _read(self, seconds: float) -> bool:
        """Wait so long for something to be shown; return whether anything was."""
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return False
        try:
            self.shown += self._decoder.decode(os.read(self.descriptor, 65536))
        except OSError:  # Linux says so where the other side is closed.
            return False
        return True


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
