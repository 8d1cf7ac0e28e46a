"""A TCP connection that speaks WebSocket as badly as it is told to."""

import asyncio
import base64
import secrets
from contextlib import suppress
from dataclasses import dataclass

HOST = "127.0.0.1"
LIMIT_SECONDS = 30
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


@dataclass(frozen=True, slots=True)
class Way:
    """Where a protocol is spoken over WebSocket, and the lines that ask for it."""

    target: str
    headers: str = ""


NATIVE = Way("/ws", "Sec-WebSocket-Protocol: studyspot.v1\r\n")
SOCKET_IO = Way("/socket.io/?EIO=4&transport=websocket")


class OtherSideWrong(AssertionError):
    """What came is not what a server of ours sends."""


class RawSocket:
    """One connection; `closed` is the code of the other side's close frame, 0 where it just ended."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.closed: int | None = None
        self._reader = reader
        self._writer = writer

    async def shake_hands(self, way: Way = NATIVE) -> None:
        """Begin to speak a protocol over WebSocket.

        Raises:
            OtherSideWrong: it is refused.
        """
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.send(
            (
                f"GET {way.target} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{way.headers}\r\n"
            ).encode()
        )
        async with asyncio.timeout(LIMIT_SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise OtherSideWrong(f"the handshake was answered with {head[:100]!r}")

    def send(self, data: bytes) -> None:
        """Send bytes; whether they arrive is seen by what is answered."""
        self._writer.write(data)

    async def receive(self) -> bytes | None:
        """Return the next text that comes; None once the other side has closed."""
        while self.closed is None:
            try:
                async with asyncio.timeout(LIMIT_SECONDS):
                    opcode, payload = await self._receive_frame()
            except (asyncio.IncompleteReadError, ConnectionError):
                self.closed = 0
                return None
            if opcode == _TEXT:
                return payload
            if opcode == _CLOSE:
                self.closed = int.from_bytes(payload[:2]) if payload else 1005
            elif opcode not in (_PING, _PONG):
                raise OtherSideWrong(f"a frame of opcode {opcode} came")
        return None

    async def rest(self) -> bytes:
        """Return all that comes until the other side closes the connection."""
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                return await self._reader.read()
        except ConnectionError:
            return b""

    def half_close(self) -> None:
        """Say that nothing more comes."""
        with suppress(OSError):
            self._writer.write_eof()

    async def leave(self, *, abruptly: bool) -> None:
        if abruptly:
            self._writer.transport.abort()
            return
        self._writer.close()
        with suppress(ConnectionError):
            async with asyncio.timeout(LIMIT_SECONDS):
                await self._writer.wait_closed()

    async def _receive_frame(self) -> tuple[int, bytes]:
        first, second = await self._reader.readexactly(2)
        if first & 0xF0 != 0x80 or second & 0x80:
            raise OtherSideWrong(f"a frame began with {first:#x} {second:#x}")
        length = second
        if second == 126:
            length = int.from_bytes(await self._reader.readexactly(2))
        elif second == 127:
            length = int.from_bytes(await self._reader.readexactly(8))
        return first & 0x0F, await self._reader.readexactly(length)


async def raw_socket(port: int, address: str) -> RawSocket:
    """Connect from one of the loopback addresses: each may have only so many sockets."""
    async with asyncio.timeout(LIMIT_SECONDS):
        reader, writer = await asyncio.open_connection(HOST, port, local_addr=(address, 0))
    return RawSocket(reader, writer)
