"""How a client of each server begins, and which of the server's messages are events."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from benchmarks.sockets.frames import BINARY, TEXT, client_frame
from studyspot.wire.frames import SUBPROTOCOL

EVENT_NAME = "seat:availability"
_EVENT_OF_STUDYSPOT = b'{"type":"event"'
_MESSAGE_OF_NATS = b"MSG "
_NEWLINE = b"\r\n"


@dataclass(frozen=True, slots=True)
class Step:
    """What a client sends, and of which the next message of the server has one before it goes on."""

    send: bytes
    until: tuple[bytes, ...]


class Dialect(Protocol):
    """One server's way to talk over WebSocket."""

    @property
    def path(self) -> str:
        """Where its sockets are opened."""

    @property
    def subprotocol(self) -> str | None:
        """Which one is asked for."""

    def opening(self, token: str, rooms: Sequence[str]) -> tuple[Step, ...]:
        """Return the steps until a socket gets the events of these rooms."""

    def events(self, payloads: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        """Yield the events among the server's messages, in JSON."""


@dataclass(frozen=True, slots=True)
class StudySpot:
    """`studyspot.v1`."""

    path: str = "/ws"
    subprotocol: str | None = SUBPROTOCOL

    def opening(self, token: str, rooms: Sequence[str]) -> tuple[Step, ...]:
        return (self._connect(token, rooms, {}, b'"type":"connected"'),)

    def resuming(self, token: str, rooms: Sequence[str], since: dict[str, Any]) -> tuple[Step, ...]:
        """Return the steps until a socket has caught up from where it was."""
        caught_up = b'"type":"caught-up"', b'"resume":"live"'
        return (self._connect(token, rooms, {"since": since}, *caught_up),)

    def events(self, payloads: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        return (payload for _, payload in payloads if payload.startswith(_EVENT_OF_STUDYSPOT))

    def _connect(self, token: str, rooms: Sequence[str], more: dict[str, Any], *until: bytes) -> Step:
        frame = {"type": "connect", "id": 1, "token": token, "rooms": rooms} | more
        return Step(client_frame(orjson.dumps(frame)), until)


@dataclass(frozen=True, slots=True)
class SocketIo:
    """Engine.IO 4 and Socket.IO protocol 5, over WebSocket alone; `event_name` are those that count."""

    event_name: str = EVENT_NAME
    path: str = "/socket.io/?EIO=4&transport=websocket"
    subprotocol: str | None = None

    def opening(self, token: str, rooms: Sequence[str]) -> tuple[Step, ...]:
        begin = Step(b"", (b'0{"sid"',))
        connect = Step(client_frame(b"40" + orjson.dumps({"token": token})), (b'40{"sid"',))
        joins = [
            Step(client_frame(b"42%d" % number + orjson.dumps(["join:library", room])), (b"43%d[" % number,))
            for number, room in enumerate(rooms)
        ]
        return (begin, connect, *joins)

    def events(self, payloads: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        packet = f'42["{self.event_name}",'.encode()
        return (payload[len(packet) : -1] for _, payload in payloads if payload.startswith(packet))


@dataclass(frozen=True, slots=True)
class NatsListener:
    """NATS's own protocol in binary frames, several of its messages in one, or one in several."""

    path: str = "/"
    subprotocol: str | None = None

    def opening(self, token: str, rooms: Sequence[str]) -> tuple[Step, ...]:
        subscriptions = "".join(f"SUB {room} {number}\r\n" for number, room in enumerate(rooms, start=1))
        begin = 'CONNECT {"verbose":false,"pedantic":false}\r\n' + subscriptions + "PING\r\n"
        return (Step(b"", (b"INFO ",)), Step(client_frame(begin.encode(), BINARY), (b"PONG",)))

    def events(self, payloads: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        data = b"".join(payload for _, payload in payloads)
        start = 0
        while start < len(data):
            end = data.index(_NEWLINE, start)
            if not data.startswith(_MESSAGE_OF_NATS, start):
                start = end + len(_NEWLINE)
                continue
            body = end + len(_NEWLINE)
            size = int(data[start:end].rpartition(b" ")[2])
            yield data[body : body + size]
            start = body + size + len(_NEWLINE)


@dataclass(frozen=True, slots=True)
class Plain:
    """Text messages that are events, without more ado; the server may say `greeting` first."""

    greeting: bytes = b""
    path: str = "/"
    subprotocol: str | None = None

    def opening(self, token: str, rooms: Sequence[str]) -> tuple[Step, ...]:
        return (Step(b"", (self.greeting,)),) if self.greeting else ()

    def events(self, payloads: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        return (
            payload
            for opcode, payload in payloads
            if opcode == TEXT and not (self.greeting and payload == self.greeting)
        )
