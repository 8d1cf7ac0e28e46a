"""WebSocket as a load generator speaks it: what a client sends, and what a server's bytes hold."""

from collections.abc import Iterator

TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9
_NO_MASK = bytes(4)
"""A masking key like any other, which leaves the payload as it is."""


def upgrade_request(port: int, path: str, subprotocol: str | None) -> bytes:
    """Return the request that opens a WebSocket."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: c3R1ZHlzcG90LWJlbmNoIQ==",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a whole frame of a client."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 1 << 16:
        length = bytes([0x80 | 126]) + size.to_bytes(2)
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8)
    return bytes([0x80 | opcode]) + length + _NO_MASK + payload


def frame_at(data: bytes | bytearray, start: int, end: int) -> tuple[int, int, int] | None:
    """Return opcode, and start and end of the payload, of the server's frame at `start`.

    None where it is not whole.
    """
    if end - start < 2:
        return None
    size = data[start + 1]
    body = start + 2
    if size == 126:
        size, body = int.from_bytes(data[start + 2 : start + 4]), start + 4
    elif size == 127:
        size, body = int.from_bytes(data[start + 2 : start + 10]), start + 10
    if body > end or body + size > end:
        return None
    return data[start] & 0x0F, body, body + size


def whole_frames(data: bytes) -> bytes:
    """Return the data without a last frame that is cut off."""
    end = 0
    while (found := frame_at(data, end, len(data))) is not None:
        end = found[2]
    return data[:end]


def payloads(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield opcode and payload of each frame.

    Raises:
        ValueError: the bytes end within a frame.
    """
    start, end = 0, len(data)
    while start < end:
        found = frame_at(data, start, end)
        if found is None:
            raise ValueError(f"a frame is cut off {end - start} bytes before the end")
        opcode, body, start = found
        yield opcode, data[body:start]
