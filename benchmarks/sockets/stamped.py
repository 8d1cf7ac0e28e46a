"""A socket of the crowd that knows when everything came: when the kernel had it, however late it is read."""

import socket
import struct
import time
from array import array
from collections.abc import Iterator, Sequence

from benchmarks.sockets.dialects import Dialect
from benchmarks.sockets.frames import frame_at
from benchmarks.sockets.reader import Opening, Reader

_TIMESTAMPS = 35
"""`SO_TIMESTAMPNS` of Linux; this Python has no name for it."""
_TIMESTAMP = struct.Struct("qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESTAMP.size)


class StampedReader(Reader):
    """A socket that has the moment of each receipt: of the newest byte in it, in seconds of `time.time`.

    So an event that is read together with a later one never seems faster than it was.
    """

    __slots__ = ("_ends", "_moments")

    def __init__(self, opening: Opening, port: int, buffer: bytearray) -> None:
        super().__init__(opening, port, buffer)
        self._ends = array("q")
        self._moments = array("d")
        self.socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)

    def forget(self) -> None:
        super().forget()
        del self._ends[:], self._moments[:]

    def delays(self, ends: Sequence[int], moments: Sequence[float]) -> Iterator[float]:
        """Yield how long after its moment each event came, in seconds; `ends` are where they end."""
        receipt = 0
        for end, moment in zip(ends, moments, strict=True):
            while self._ends[receipt] < end:
                receipt += 1
            yield self._moments[receipt] - moment

    def _receive(self, room: memoryview) -> int:
        count, ancillary, _, _ = self.socket.recvmsg_into([room], _ANCILLARY_BYTES)
        if ancillary:
            seconds, nanoseconds = _TIMESTAMP.unpack(ancillary[0][2])
            self._moments.append(seconds + nanoseconds / 1e9)
        else:
            self._moments.append(time.time())
        self._ends.append(self.size + count)
        return count


def event_ends(dialect: Dialect, data: bytes) -> list[int]:
    """Return where each event ends in what a socket received; each must have a frame of its own."""
    ends: list[int] = []
    end = 0
    while (found := frame_at(data, end, len(data))) is not None:
        opcode, body, end = found
        ends += [end for _ in dialect.events([(opcode, data[body:end])])]
    return ends
