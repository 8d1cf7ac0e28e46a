"""One socket of the crowd: how it is opened, and everything that it has received."""

import re
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.sockets.dialects import Step
from benchmarks.sockets.frames import CLOSE, frame_at, payloads, whole_frames

_LOOK_BACK_BYTES = 8 * 1024
"""What is waited for is looked for in the newest bytes: it comes last."""
_LEAST_ROOM_BYTES = 4 * 1024
_BIND_ADDRESS_NO_PORT = 24
"""From Linux; this Python has no name for it."""
_HEADER_END = b"\r\n\r\n"
_RETRY_AFTER = re.compile(rb"retry-after: *([0-9.]+)", re.IGNORECASE)
_RESET_AT_ONCE = struct.pack("ii", 1, 0)
"""No TIME_WAIT: a crowd that comes again needs its ports again."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a socket is opened: the request, and then a step after the other.

    It comes from `address`, `after` seconds from the start; with `stamped`, it notes when everything came.
    """

    request: bytes
    steps: tuple[Step, ...]
    address: str
    after: float = 0.0
    stamped: bool = False


class Refused(Exception):
    """The server is busy: come again `after` seconds later."""

    def __init__(self, after: float) -> None:
        super().__init__(f"come again after {after} s")
        self.after = after


class Reader:
    """A socket; `buffer[:size]` is what it received after the handshake.

    Attributes:
        ready_at: when its last step was answered, in seconds of `time.monotonic`.
        found_at: when what it waits for had come.
        received_at: when it received anything last.
        closed: the server has closed it.
    """

    __slots__ = (
        "_parsed",
        "_reply",
        "_steps",
        "buffer",
        "closed",
        "found_at",
        "marker",
        "opening",
        "ready_at",
        "received_at",
        "size",
        "socket",
    )

    def __init__(self, opening: Opening, port: int, buffer: bytearray) -> None:
        self.opening = opening
        self.buffer = buffer
        self.size = 0
        self.ready_at = self.found_at = self.received_at = 0.0
        self.marker = b""
        self.closed = False
        self._steps: Sequence[Step] = opening.steps
        self._reply: bytes | None = b""
        self._parsed = 0
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        # The port is chosen at connect: it need only differ for the same server.
        self.socket.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        self.socket.bind((opening.address, 0))
        self.socket.connect_ex(("127.0.0.1", port))

    def handle(self, mask: int) -> None:
        """Do what the socket is ready for.

        Raises:
            Refused: the server answered the handshake with 503.
            OSError: it answered with anything else, or the connection is lost while it opens.
        """
        if mask & select.EPOLLOUT:
            self.socket.send(self.opening.request)
            return
        if self._reply is not None:
            self._read_reply()
        else:
            self._read_frames()

    def forget(self) -> None:
        """Forget what was received."""
        self.size = self._parsed = 0

    def expect(self, marker: bytes) -> None:
        """Wait for these bytes, unless they are here already."""
        self.marker = marker
        self.found_at = time.monotonic() if self.buffer.find(marker, 0, self.size) >= 0 else 0.0

    def received(self) -> bytes:
        """Return everything since the handshake or the last `expect`."""
        return bytes(memoryview(self.buffer)[: self.size])

    def _read_reply(self) -> None:
        assert self._reply is not None
        data = self.socket.recv(16 * 1024)
        if not data:
            raise ConnectionError("closed during the handshake")
        self._reply += data
        header, end, rest = self._reply.partition(_HEADER_END)
        if not end:
            return
        status = header.partition(b"\r\n")[0]
        if b" 503" in status or b" 429" in status:
            after = _RETRY_AFTER.search(header)
            raise Refused(float(after[1]) if after else 1.0)
        if b" 101" not in status:
            raise ConnectionError(status.decode())
        self._reply = None
        self.buffer[: len(rest)] = rest
        self.size = len(rest)
        self._begin_step()
        self._go_on()

    def _read_frames(self) -> None:
        if len(self.buffer) - self.size < _LEAST_ROOM_BYTES:
            self.buffer.extend(bytes(len(self.buffer)))
        with memoryview(self.buffer) as view, view[self.size :] as room:
            count = self._receive(room)
        if not count:
            self.closed = True
            return
        before, self.size = self.size, self.size + count
        self.received_at = time.monotonic()
        if not self.ready_at:
            self._go_on()
        if self.marker and not self.found_at:
            start = max(before - len(self.marker), self.size - _LOOK_BACK_BYTES, 0)
            if self.buffer.find(self.marker, start, self.size) >= 0:
                self.found_at = self.received_at

    def _receive(self, room: memoryview) -> int:
        """Receive what there is and fits, and return how many bytes that was."""
        return self.socket.recv_into(room)

    def look_across_frames(self) -> None:
        """Look for what is waited for as messages have it: a frame may end in the middle of it."""
        data = b"".join(payload for _, payload in payloads(whole_frames(self.received())))
        if self.marker in data[-_LOOK_BACK_BYTES:]:
            self.found_at = self.received_at

    def _begin_step(self) -> None:
        if not self._steps:
            self.ready_at = time.monotonic()
        elif self._steps[0].send:
            self.socket.send(self._steps[0].send)

    def _go_on(self) -> None:
        """Take the answers that have come, and do the steps that follow them."""
        while not self.ready_at:
            found = frame_at(self.buffer, self._parsed, self.size)
            if found is None:
                return
            opcode, start, self._parsed = found
            if opcode == CLOSE:
                raise ConnectionError(f"closed: {bytes(self.buffer[start + 2 : self._parsed])!r}")
            if any(self.buffer.find(until, start, self._parsed) >= 0 for until in self._steps[0].until):
                self._steps = self._steps[1:]
                self._begin_step()
