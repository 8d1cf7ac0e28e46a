"""The far end of an outlet, which reads as much as it is let."""

from datetime import timedelta
from typing import Any

import orjson
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.outlet import AT_ONCE

FULL_BYTES = 1500


class FarEnd:
    """A client's side of a socket; while it does not read, bytes pile up before it.

    Attributes:
        reads: it takes whatever comes at once.
        closed: the code with which the other side has closed.
    """

    def __init__(self) -> None:
        self.reads = True
        self.closed: CloseCode | None = None
        self._unread = bytearray()
        self._protocol = Protocol(CLIENT, state=OPEN)

    def write(self, data: bytes) -> None:
        if self.closed is None:
            self._unread += data

    def offer(self, data: bytes, unsent_limit_bytes: int) -> bool:
        unsent = self.unsent_bytes()
        if unsent and unsent + len(data) > unsent_limit_bytes:
            return False
        self.write(data)
        return True

    def unsent_bytes(self) -> int:
        return 0 if self.reads else len(self._unread)

    def is_full(self) -> bool:
        return self.unsent_bytes() > FULL_BYTES

    def send_ping(self) -> None:
        """Pongs are the machine's."""

    def begin_close(self, code: CloseCode, reason: str, *, after: timedelta = AT_ONCE) -> None:
        assert self.closed is None, "a socket is closed once"
        assert reason
        self.closed = code

    def cut_off(self) -> None:
        raise AssertionError("nobody here is too much for a node")

    def take(self, most_bytes: int | None = None) -> list[dict[str, Any]]:
        """Read as much as there is, or that many bytes of it; return the frames that are whole by now."""
        self._protocol.receive_data(bytes(self._unread[:most_bytes]))
        del self._unread[:most_bytes]
        frames = []
        for frame in self._protocol.events_received():
            assert isinstance(frame, Frame)
            assert frame.opcode is Opcode.TEXT
            frames.append(orjson.loads(frame.data))
        return frames
