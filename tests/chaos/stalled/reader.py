"""One socket that reads or does not, so cheaply that two thousand of them share a process.

What must come next is known: those that stall are in the rooms of every event of the log, and get one
position after the other; the others get the announcements, which are numbered.
"""

import asyncio
import base64
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

_TEXT, _CLOSE, _PING = 1, 8, 9
_PONG = b"\x8a\x80\x00\x00\x00\x00"
_SMALL_BUFFER_BYTES = 64 * 1024
"""Of the kernel's on a socket that will stall: what it does not read is the other side's soon."""


@dataclass(slots=True)
class Tally:
    """What the sockets of one process have seen.

    Attributes:
        latencies: of events on sockets that never stall, from the publisher's write to ours, in seconds.
        faults: what came that should not have, and where.
    """

    events: int = 0
    behind: int = 0
    caught_up: int = 0
    resumed: int = 0
    closes: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Reader(asyncio.Protocol):
    """A client of `studyspot.v1` that connects again from where it was.

    Attributes:
        position: the last that came.
        number: of the last announcement.
        stalls: it is one of those that stop reading.
        is_connected: it has been let in.
    """

    def __init__(
        self, connect: bytes, tally: Tally, *, stalls: bool, on_lost: Callable[["Reader"], None]
    ) -> None:
        self.position = -1
        self.number = -1
        self.epoch = b""
        self.stalls = stalls
        self.is_connected = False
        self._connect = connect
        self._tally = tally
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._data = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's is none by name.
        self._transport, self._data, self._is_open = transport, b"", False
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        transport.write(
            (
                "GET /ws HTTP/1.1\r\nHost: fanout\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Protocol: studyspot.v1\r\n\r\n"
            ).encode()
        )

    def pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def leave(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_connected = False
        self._transport = None
        self._on_lost(self)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        data = self._data + data if self._data else data
        if not self._is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._data = head
                return
            self._open(head)
        at, size = 0, len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(data[start : start + 2]), start + 2
            elif length == 127:
                length, start = int.from_bytes(data[start : start + 8]), start + 8
            if size - start < length or size < start:
                break
            self._take(data[at] & 0x0F, data[start : start + length], now)
            at = start + length
        self._data = data[at:]

    def _open(self, head: bytes) -> None:
        assert self._transport is not None
        if b" 101 " not in head.partition(b"\r\n")[0]:
            # Too many at once: it is tried again as after every loss.
            self._transport.abort()
            return
        self._is_open = True
        since = b""
        if self.position >= 0:
            since = b',"since":{"epoch":"%s","position":%d}' % (self.epoch, self.position)
            self._tally.resumed += 1
        self._transport.write(masked(b"{" + self._connect + since + b"}"))

    def _take(self, opcode: int, payload: bytes, now: float) -> None:
        assert self._transport is not None
        if opcode == _PING:
            self._transport.write(_PONG)
        elif opcode == _CLOSE:
            code = int.from_bytes(payload[:2])
            self._tally.closes[code] = self._tally.closes.get(code, 0) + 1
            self._transport.close()
        elif opcode != _TEXT:
            self._tally.faults.append(f"opcode {opcode}")
        elif payload.startswith(b'{"type":"event"'):
            self._take_event(payload, now)
        elif payload.startswith(b'{"type":"connected"'):
            self.is_connected = True
            self.epoch = _text(payload, b'"epoch":"')
            if self.position < 0:
                self.position = _number(payload, b'"head":')
        elif payload.startswith(b'{"type":"behind"'):
            self._tally.behind += 1
        elif payload.startswith(b'{"type":"caught-up"'):
            self._tally.caught_up += 1
        elif not payload.startswith(b'{"type":"heartbeat"'):
            self._tally.faults.append(payload[:200].decode(errors="replace"))

    def _take_event(self, payload: bytes, now: float) -> None:
        position = _number(payload, b'"position":')
        before, self.position = self.position, position
        self._tally.events += 1
        if self.stalls:
            if position != before + 1:
                self._tally.faults.append(f"{position} came after {before}")
            return
        number = _number(payload, b'"announcementId":"A')
        if number != self.number + 1 and self.number >= 0:
            self._tally.faults.append(f"announcement {number} came after {self.number}")
        self.number = number
        self._tally.latencies.append(now - _number(payload, b'"title":"') / 1e9)


def socket_of(number: int, *, stalls: bool) -> socket.socket:
    """Return a socket of its own address among the loopback ones: one address may have only so many."""
    made = socket.socket()
    made.setblocking(False)
    if stalls:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
    made.bind((f"127.0.1.{1 + number // 250}", 0))
    return made


def masked(payload: bytes) -> bytes:
    """Return a text frame of a client; its mask is all zeros, which hides nothing and is allowed."""
    assert len(payload) < 65536
    return b"\x81\xfe" + len(payload).to_bytes(2) + b"\x00\x00\x00\x00" + payload


def _number(payload: bytes, name: bytes) -> int:
    start = end = payload.index(name) + len(name)
    while 48 <= payload[end] <= 57:
        end += 1
    return int(payload[start:end])


def _text(payload: bytes, name: bytes) -> bytes:
    start = payload.index(name) + len(name)
    return payload[start : payload.index(b'"', start)]
