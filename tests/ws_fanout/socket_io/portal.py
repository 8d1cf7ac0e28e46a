"""The far end of a socket that speaks Socket.IO, on a node without sockets."""

from collections.abc import Callable
from typing import Any

import orjson
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from studyspot.domain.people import Role
from studyspot.ws_fanout.language import Wire
from studyspot.ws_fanout.socket_io.memory import Answer
from studyspot.ws_fanout.socket_io.packets import Kind, Packet, read_packet
from studyspot.ws_fanout.socket_io.remembered import Remembered
from tests.ws_fanout.node import Client, Node


class Kept:
    """A memory that several nodes share; what it is asked it answers at once, or when it is let.

    Attributes:
        writes: what is to be kept is kept at once, or with the next `write`.
        questions: those that wait, where it does not answer by itself.
    """

    def __init__(self, *, answers: bool = True) -> None:
        self.kept: dict[str, Remembered] = {}
        self.writes = True
        self.questions: list[Callable[[], None]] = []
        self._answers = answers
        self._unwritten: dict[str, tuple[Remembered, Answer | None]] = {}
        self._held: dict[str, tuple[Remembered, Answer | None]] = {}

    def remember(self, pid: str, remembered: Remembered, then: Answer | None) -> None:
        self._unwritten[pid] = (remembered, then)
        if self.writes:
            self.write()

    def hold(self) -> None:
        """What is to be kept so far is being written, until `write_held`."""
        self._held, self._unwritten = self._unwritten, {}

    def write_held(self) -> None:
        self._unwritten, later = self._held, self._unwritten
        self.write()
        self._unwritten = later

    def write(self) -> None:
        unwritten, self._unwritten = self._unwritten, {}
        for pid, (remembered, then) in unwritten.items():
            self.kept[pid] = remembered
            if then is not None:
                then(remembered)

    def recall(self, pid: str, then: Answer) -> None:
        if self._answers:
            then(self.kept.get(pid))
        else:
            self.questions.append(lambda: then(self.kept.get(pid)))


class Portal:
    """One client, which says what the test says and keeps what it hears."""

    def __init__(self, node: Node, client: Client | None = None) -> None:
        self.client = client or Client()
        self.peer = node.hub.open(self.client, Wire.SOCKET_IO)
        self._node = node
        self._read = 0

    def say(self, message: str | bytes) -> None:
        self._node.hub.receive(self.peer, message)
        self._node.settle()

    def connect(self, user: str = "s1", role: Role = "student", **auth: Any) -> dict[str, Any]:
        """Connect, and return what that was answered with."""
        self.say("40" + orjson.dumps({"token": self._node.token(user, role), **auth}).decode())
        answer: dict[str, Any] = self.packets(Kind.CONNECT)[-1].data
        return answer

    def emit(self, name: str, *arguments: Any, ack: int | None = None) -> None:
        self.say(f"42{'' if ack is None else ack}{orjson.dumps([name, *arguments]).decode()}")

    def messages(self) -> list[str]:
        """All that came so far."""
        protocol = Protocol(CLIENT, state=OPEN)
        protocol.receive_data(bytes(self.client.received))
        texts = []
        for frame in protocol.events_received():
            assert isinstance(frame, Frame)
            assert frame.opcode is Opcode.TEXT
            texts.append(bytes(frame.data).decode())
        return texts

    def packets(self, kind: Kind) -> list[Packet]:
        packets = [read_packet(message[1:]) for message in self.messages() if message.startswith("4")]
        return [packet for packet in packets if packet.kind is kind]

    def events(self) -> list[list[Any]]:
        """The events that came since this was asked last."""
        events = [packet.data for packet in self.packets(Kind.EVENT)]
        self._read, before = len(events), self._read
        return events[before:]

    def names(self) -> list[str]:
        """Their names."""
        return [event[0] for event in self.events()]

    def answer(self, ack: int) -> dict[str, Any]:
        """Return what was answered to the packet of this id."""
        [packet] = [packet for packet in self.packets(Kind.ACK) if packet.ack == ack]
        [answer] = packet.data
        assert isinstance(answer, dict)
        return answer
