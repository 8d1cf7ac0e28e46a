"""Conversations over Socket.IO that go wrong, in every state of a socket; and what must come of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from tests.fuzz.bad_frames import TEXT, BadFrames, frame
from tests.fuzz.bad_packets import BadPackets
from tests.fuzz.conversations import Talker
from tests.fuzz.raw_socket import SOCKET_IO, OtherSideWrong, RawSocket
from tests.ws_fanout.live import LIMIT
from tests.ws_fanout.people import token

STATES = ("before connect", "connected", "come back", "come back from nowhere", "joined", "left")
_LAST_WORD = 4711
_NAMES = frozenset(
    {
        *("position", "pong", "error", "pricing:updated", "notification", "global:notification"),
        *("booking:created", "booking:updated", "booking:cancelled", "booking:checkin", "booking:checkout"),
        *("library:created", "library:updated", "library:deleted", "seat:availability"),
    }
)


class PortalTalker(Talker):
    """One who speaks Socket.IO, and is remembered by their last connection's `pid`."""

    states = STATES
    wire = SOCKET_IO
    _pid = "of-nobody"

    def _supply(self) -> BadFrames:
        return BadPackets(self._chance, self._token)

    async def _begin(self, socket: RawSocket, state: str) -> None:
        if state == "before connect":
            return
        auth: dict[str, Any] = {"token": self._token}
        if state == "come back":
            auth |= {
                "pid": self._pid,
                "offset": self._chance.choice(("1", "700", "9" * 19, "x", "", None, 7)),
            }
        elif state == "come back from nowhere":
            auth |= {
                "pid": self._chance.choice(("", "never", "x" * 3000, "a.b *>", "\x00", 7)),
                "offset": "0",
            }
        socket.send(frame(TEXT, b"40" + orjson.dumps(auth)))
        # What is sent before the answer comes too early: no client does.
        while (text := await socket.receive()) is not None:
            kind, _ = self._judged(text)
            self._findings.answers[kind] += 1
            if kind == "connected":
                self._pid = orjson.loads(text[2:])["pid"]
                break
        if state in ("joined", "left"):
            socket.send(frame(TEXT, b'421["join:library","L1"]'))
        if state == "left":
            socket.send(frame(TEXT, b'422["leave:library",{"libraryId":"L1"}]'))

    def _ask_last(self, socket: RawSocket) -> None:
        socket.send(frame(TEXT, f'42{_LAST_WORD}["ping"]'.encode()))

    def _judged(self, text: bytes) -> tuple[str, bool]:
        try:
            return self._kind(text), text.startswith(b"43%d[" % _LAST_WORD)
        except (ValueError, KeyError, TypeError) as error:
            raise OtherSideWrong(f"{text[:200]!r} is no packet of ours: {error!r}") from error

    def _kind(self, text: bytes) -> str:
        """Return what kind of message this is, which is whole and in its place; anything else is an error."""
        match text[:1], text[1:2]:
            case b"0", _:
                opening = orjson.loads(text[1:])
                _require(opening["upgrades"] == [] and opening["pingInterval"] > 0)
                return "opened"
            case b"2", b"":
                return "engine's ping"
            case b"4", b"0":
                _require(orjson.loads(text[2:]).keys() == {"sid", "pid"})
                return "connected"
            case b"4", b"1":
                _require(text == b"41")
                return "disconnected"
            case b"4", b"2":
                name, *arguments = orjson.loads(text[2:])
                _require(name in _NAMES and len(arguments) == 1)
                return f"event {name}"
            case b"4", b"3":
                [answer] = orjson.loads(text[2:].lstrip(b"0123456789"))
                _require(isinstance(answer["ok"], bool))
                return "acknowledged"
            case b"4", b"4":
                _, _, refusal = text[2:].rpartition(b",") if text[2:3] == b"/" else ("", "", text[2:])
                _require(isinstance(orjson.loads(refusal)["message"], str))
                return "refused"
            case _:
                raise ValueError("there is no such message")


class HealthyPortal:
    """One who says nothing wrong, and listens."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def next_position(self) -> int:
        """Answer what keeps the socket until an event has come, and return its position."""
        has_come = False
        async with asyncio.timeout(LIMIT):
            while True:
                text = str(await self._connection.recv())
                if text == "2":
                    await self._connection.send("3")
                elif text.startswith('42["position"'):
                    if has_come:
                        return int(orjson.loads(text[2:])[1])
                elif text.startswith("42"):
                    has_come = True


@asynccontextmanager
async def healthy_portal(port: int, user: str) -> AsyncIterator[HealthyPortal]:
    """A socket of Socket.IO that has connected."""
    async with connect(f"ws://127.0.0.1:{port}{SOCKET_IO.target}", close_timeout=1) as connection:
        await connection.send("40" + orjson.dumps({"token": token(user)}).decode())
        async with asyncio.timeout(LIMIT):
            while not str(await connection.recv()).startswith("40"):
                pass
        yield HealthyPortal(connection)


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("it is not as it should be")
