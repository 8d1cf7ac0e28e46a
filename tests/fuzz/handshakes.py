"""Connections that do not even become sockets: garbage, halves, and one byte at a time."""

import asyncio
import random
from contextlib import suppress

from tests.fuzz.conversations import Findings
from tests.fuzz.raw_socket import LIMIT_SECONDS, RawSocket, raw_socket

ADDRESS = "127.0.3.1"
_GOOD = (
    "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: studyspot.v1\r\n\r\n"
)
_WRONG = (
    ("/ws", "/elsewhere"),
    ("GET", "POST"),
    ("HTTP/1.1", "HTTP/1.0"),
    ("Version: 13", "Version: 8"),
    ("websocket", "gopher"),
    ("AAAAAAAAAAAAAAAAAAAAAA==", "short"),
    ("studyspot.v1", "nothing.v9"),
    ("Host: h", "Origin: https://evil.example"),
    ("Host: h", "Host: " + "h" * 20_000),
    ("Host: h\r\n", "".join(f"X-{number}: y\r\n" for number in range(500))),
    ("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello"),
    (": ", " "),
    ("/ws", "/socket.io/?EIO=4&transport=polling"),
    ("/ws", "/socket.io/?EIO=3&transport=websocket"),
    ("/ws", "/socket.io/?EIO=4&transport=websocket&sid=another"),
    ("/ws", "/socket.io/?EIO=%FF&transport=websocket&transport=websocket"),
    ("/ws", "/socket.io/?" + "&" * 4000),
)
_STATUSES = (
    b"400 ",
    b"403 ",
    b"404 ",
    b"405 ",
    b"414 ",
    b"426 ",
    b"429 ",
    b"431 ",
    b"501 ",
    b"505 ",
    b"101 ",
)


async def shake_wrongly(port: int, chance: random.Random, findings: Findings) -> None:
    """Make one connection that is wrong from its first byte, or soon after."""
    socket = await raw_socket(port, ADDRESS)
    kind = chance.choice(("garbage", "half", "wrong"))
    findings.kinds[f"handshake: {kind}"] += 1
    try:
        match kind:
            case "garbage":
                socket.send(chance.randbytes(chance.randrange(1, 3000)) + b"\r\n\r\n")
            case "half":
                socket.send(_GOOD[: chance.randrange(len(_GOOD))].encode())
            case _:
                old, new = chance.choice(_WRONG)
                socket.send(_GOOD.replace(old, new, 1).encode())
        socket.half_close()
        await _judge(socket, kind, findings)
    except TimeoutError:
        findings.note(f"handshake: {kind} was never ended", "")
    finally:
        await socket.leave(abruptly=True)


async def send_slowly(port: int, findings: Findings) -> None:
    """Send a handshake a byte at a time: it is cut off long before it is whole."""
    socket = await raw_socket(port, ADDRESS)
    findings.kinds["handshake: slow"] += 1
    sending = asyncio.create_task(_drip(socket), name="slow handshake")
    try:
        await _judge(socket, "slow", findings)
    except TimeoutError:
        findings.note("handshake: a slow one is kept for ever", f"{LIMIT_SECONDS} s")
    finally:
        sending.cancel()
        await asyncio.wait([sending])
        await socket.leave(abruptly=True)


async def _drip(socket: RawSocket) -> None:
    for byte in _GOOD.encode():
        with suppress(ConnectionError):
            socket.send(bytes([byte]))
        await asyncio.sleep(0.5)


async def _judge(socket: RawSocket, kind: str, findings: Findings) -> None:
    """Whatever is answered is an honest refusal, or nothing."""
    answer = await socket.rest()
    if answer and not answer.startswith(tuple(b"HTTP/1.1 " + status for status in _STATUSES)):
        findings.note(f"handshake: {kind} is answered wrongly", answer[:200])
