"""One WebSocket of a node: what the hub writes to, and what it hears of."""

import os
import sys
from datetime import timedelta

from websockets.frames import CloseCode as Failure
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.connection import Connection
from studyspot.ws_fanout.handshake import Handshakes
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.outlet import AT_ONCE
from studyspot.ws_fanout.parts import Parts, message_of
from studyspot.ws_fanout.peers import Peer

CLOSE_WITHIN = timedelta(seconds=3)
"""After which a socket that is being closed is cut off."""
_LONGEST_REASON_BYTES = 123
_BEGIN_A_MESSAGE = (Opcode.TEXT, Opcode.BINARY)
_MOST_LATE_FRAMES = 100
"""Of a client that has been told to leave; some have yet to hear of it."""
_LOST = 1006
_COUNTED_CODES = frozenset(
    {1000, 1001, 1002, 1003, 1005, _LOST, 1007, 1009, 1011, *(int(code) for code in CloseCode)}
)


class Socket(Connection):
    """A connection that the hub writes to; it lives in `hub` from the opening handshake to the end."""

    __slots__ = (
        "_closed_for",
        "_descriptor",
        "_hub",
        "_is_clear",
        "_is_full",
        "_late_frames",
        "_parts",
        "_peer",
    )

    def __init__(
        self, hub: Hub, handshakes: Handshakes, protocol: ServerProtocol, *, open_within: timedelta
    ) -> None:
        super().__init__(handshakes, protocol, open_within=open_within)
        self._hub = hub
        self._peer: Peer | None = None
        self._parts: Parts | None = None
        self._descriptor = -1
        self._is_clear = False
        self._is_full = False
        self._late_frames = 0
        self._closed_for: CloseCode | None = None

    def write(self, data: bytes) -> None:
        self.offer(data, sys.maxsize)

    def offer(self, data: bytes, unsent_limit_bytes: int) -> bool:
        # Shared bytes go past the protocol object, which would serialize them once more for each socket.
        # It only counts what it sends in control frames and fragments; we send neither this way.
        # Where nothing waits they go past the transport, too: of 2 000 sockets in turn, what these two have
        # in memory is in no cache, and looking at it costs a third of what the kernel's send does.
        if not self._is_clear:
            return self._offer_in_turn(data, unsent_limit_bytes)
        try:
            sent = os.write(self._descriptor, data)
        except OSError:
            # The other side should read first; or it is gone, which the transport finds as well.
            sent = 0
        if sent < len(data):
            # Not a copy: many slow readers share it.
            self.transport.write(memoryview(data)[sent:])
            self._look_whether_clear()
        return True

    def unsent_bytes(self) -> int:
        return 0 if self._is_clear else self.transport.get_write_buffer_size()

    def is_full(self) -> bool:
        return self._is_full

    def send_ping(self) -> None:
        if self.protocol.state is OPEN:
            self.protocol.send_ping(b"")
            self.send()

    def begin_close(self, code: CloseCode, reason: str, *, after: timedelta = AT_ONCE) -> None:
        if after and self.protocol.state is OPEN:
            self._closed_for = code
            self.do_after(after, self._send_close, code, reason)
        else:
            self._send_close(code, reason)

    def cut_off(self) -> None:
        self._is_clear = False
        super().cut_off()

    def opened(self) -> None:
        """Take part in the fan-out."""
        self._descriptor = self.transport.get_extra_info("socket").fileno()
        self._look_whether_clear()
        self._peer = self._hub.open(self, self.wire)

    def heard(self, frame: Frame) -> None:
        """Tell the hub of a message that is whole, and of every other frame that it is there."""
        assert self._peer is not None
        if self._closed_for is not None:
            self._late_frames += 1
            if self._late_frames == _MOST_LATE_FRAMES:
                self._hear_no_more()
        elif frame.opcode in _BEGIN_A_MESSAGE:
            if frame.fin:
                self._receive(self._peer, frame)
            else:
                self._parts = Parts(frame)
        else:
            if frame.opcode is Opcode.PONG:
                self._hub.heard_pong(self._peer)
            self._hub.heard_frame(self._peer)
            if frame.opcode is Opcode.CONT and self._parts is not None:
                self._parts.add(frame)
                if frame.fin:
                    whole, self._parts = self._parts.whole(), None
                    self._receive(self._peer, whole)

    def send(self) -> None:
        # Whatever the protocol object says goes this way: also that it closes.
        super().send()
        self._look_whether_clear()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._look_whether_clear()
        if self._peer is not None:
            self._hub.drained(self._peer)

    def connection_lost(self, exc: Exception | None) -> None:
        # Another connection may soon have the descriptor.
        self._is_clear = False
        super().connection_lost(exc)
        if self._peer is not None:
            self._hub.gone(self._peer)
            self._hub.metrics.closed(self._ended_with())

    def _receive(self, peer: Peer, whole: Frame) -> None:
        try:
            message = message_of(whole)
        except UnicodeDecodeError as error:
            self.fail(Failure.INVALID_DATA, f"{error.reason} at position {error.start}")
        else:
            self._hub.receive(peer, message)

    def _hear_no_more(self) -> None:
        """Let who is told to leave, and goes on talking, cost no more."""
        if self.protocol.state is OPEN:
            self.cut_off()
        else:
            # It is told why already, and may read that.
            self.fail(Failure.POLICY_VIOLATION)

    def _offer_in_turn(self, data: bytes, unsent_limit_bytes: int) -> bool:
        """Let the bytes follow what waits to be sent, unless that would be too much."""
        if self.protocol.state is not OPEN:
            return True
        unsent = self.transport.get_write_buffer_size()
        if unsent and unsent + len(data) > unsent_limit_bytes:
            return False
        self.transport.write(data)
        self._look_whether_clear()
        return True

    def _look_whether_clear(self) -> None:
        """Note whether what is written may go straight to the kernel: nothing is unsent, nothing closes."""
        self._is_clear = (
            self._descriptor >= 0
            and self.protocol.state is OPEN
            and not self.transport.is_closing()
            and not self.transport.get_write_buffer_size()
        )

    def _send_close(self, code: CloseCode, reason: str) -> None:
        if self.protocol.state is OPEN:
            self._closed_for = code
            self.protocol.send_close(code, _short(reason))
            self.send()
            self.do_after(CLOSE_WITHIN, self.cut_off)

    def _ended_with(self) -> int | None:
        """Return the code of whoever closed first, or that of a lost connection.

        None stands for a code that means nothing here: clients may say any of some thousand.
        """
        if self._closed_for is not None:
            return self._closed_for
        sent, received = self.protocol.close_sent, self.protocol.close_rcvd
        closed = sent if received is None or not self.protocol.close_rcvd_then_sent else received
        code = _LOST if closed is None else closed.code
        return code if code in _COUNTED_CODES else None


def _short(reason: str) -> str:
    return reason.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore")
