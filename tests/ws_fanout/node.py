"""A node without sockets: clients are what was written to them, and time stands until it is moved."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from prometheus_client import CollectorRegistry
from websockets.frames import Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from studyspot.access.tokens import Verifier
from studyspot.domain.events import Event
from studyspot.domain.people import Role
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.metrics import FanoutMetrics
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.outlet import AT_ONCE
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.replays import Reading
from studyspot.ws_fanout.rights import Rights
from studyspot.ws_fanout.routed import routed
from studyspot.ws_fanout.socket_io.memory import Memory
from studyspot.ws_fanout.socket_io.scene import Scene
from tests.ws_fanout.events import EPOCH, START, message
from tests.ws_fanout.oblivion import Oblivion
from tests.ws_fanout.people import VERIFIER, token


@dataclass(eq=False)
class Client:
    """The far end of an outlet; while it does not read, bytes pile up before it."""

    full_bytes: int = 64 * 1024
    reads: bool = True
    writes: list[bytes] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    unread: bytearray = field(default_factory=bytearray)
    closed: tuple[CloseCode, str] | None = None
    closed_after: timedelta = AT_ONCE
    pings: int = 0

    def write(self, data: bytes) -> None:
        if self.closed is None:
            self.writes.append(data)
            (self.received if self.reads else self.unread).extend(data)

    def offer(self, data: bytes, unsent_limit_bytes: int) -> bool:
        if self.unread and len(self.unread) + len(data) > unsent_limit_bytes:
            return False
        self.write(data)
        return True

    def unsent_bytes(self) -> int:
        return len(self.unread)

    def is_full(self) -> bool:
        return len(self.unread) > self.full_bytes

    def send_ping(self) -> None:
        self.pings += 1

    def begin_close(self, code: CloseCode, reason: str, *, after: timedelta = AT_ONCE) -> None:
        self.closed, self.closed_after = (code, reason), after

    def cut_off(self) -> None:
        self.unread.clear()

    def frames(self) -> list[dict[str, Any]]:
        """What has been read so far, as a real client's protocol parses it."""
        protocol = Protocol(CLIENT, state=OPEN)
        protocol.receive_data(self.received)
        frames = protocol.events_received()
        assert all(frame.opcode is Opcode.TEXT for frame in frames)  # type: ignore[union-attr]
        return [orjson.loads(frame.data) for frame in frames]  # type: ignore[union-attr]


class Node:
    """A hub at a log of its own; `step` is called until nothing is left to do."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        head: int = 0,
        verifier: Verifier = VERIFIER,
        metrics: FanoutMetrics | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.now = Now(1000.0, datetime(2026, 12, 1, 8, tzinfo=UTC))
        self.names: dict[str, str] = {}
        self.log: list[Event] = []
        self.hub = Hub(
            verifier=verifier,
            name_of=lambda user: self.names.get(user, user),
            limits=limits or Limits(),
            clock=lambda: self.now,
            wake=lambda: None,
            metrics=metrics or FanoutMetrics(CollectorRegistry()),
            memory=memory or Oblivion(),
        )
        self.hub.begin(EPOCH, head, 1, Rights(), Scene())

    def pass_time(self, by: timedelta) -> None:
        self.now = Now(self.now.seconds + by.total_seconds(), self.now.time + by)
        self.hub.tick()
        self.settle()

    def token(self, user: str, role: Role = "student", *, lifetime: timedelta = timedelta(hours=1)) -> str:
        return token(user, role, now=self.now.time, lifetime=lifetime)

    def open(self, client: Client | None = None) -> tuple[Client, Peer]:
        client = client or Client()
        return client, self.hub.open(client)

    def connect(self, user: str, role: Role = "student", **frame: Any) -> tuple[Client, Peer]:
        client, peer = self.open()
        self.send(peer, {"type": "connect", "id": 1, "token": self.token(user, role), **frame})
        return client, peer

    def send(self, peer: Peer, frame: dict[str, Any]) -> None:
        self.hub.receive(peer, orjson.dumps(frame).decode())
        self.settle()

    def publish(self, *events: Event, time: datetime = START) -> None:
        """Bring events as one batch, at the next positions, that happened at `time`."""
        first = self.hub.head + 1
        self.log += events
        batch = [message(first + index, event, time=time) for index, event in enumerate(events)]
        self.hub.publish([routed(one) for one in batch])
        self.settle()

    def read(self, client: Client, peer: Peer, most: int | None = None) -> None:
        """Let a client that had stopped take what is there, or the first `most` bytes of it."""
        was_full = client.is_full()
        taken = client.unread[:most]
        client.received += taken
        del client.unread[: len(taken)]
        if was_full and not client.is_full():
            self.hub.drained(peer)
        self.settle()

    def settle(self) -> None:
        while self.hub.step() or self.hub.replays.has_readings:
            for reading in self.hub.replays.take_readings():
                self._read_stream(reading)

    def _read_stream(self, reading: Reading) -> None:
        until = self.hub.head
        for position, event in enumerate(self.log[:until], start=1):
            read = [routed(message(position, event))[0]]
            if not reading.is_wanted() or not self.hub.replays.bring(reading, read):
                self.hub.replays.give_up(reading)
                return
        self.hub.replays.finish(reading, until)


def kinds(client: Client) -> list[str]:
    return [frame["type"] for frame in client.frames()]


def events(client: Client) -> list[tuple[int, list[str]]]:
    return [(frame["position"], frame["rooms"]) for frame in client.frames() if frame["type"] == "event"]


def since(position: int, epoch: str = EPOCH) -> dict[str, Any]:
    return {"epoch": epoch, "position": position}
