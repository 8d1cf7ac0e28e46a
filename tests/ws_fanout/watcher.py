"""A client that speaks as the library does, with a record for the judge, on a node without sockets."""

from typing import Any

import orjson
from websockets.frames import Frame
from websockets.protocol import CLIENT, OPEN, Protocol

from studyspot.checker.log import Log
from studyspot.checker.rooms import Rooms
from studyspot.checker.sockets import judge_socket
from studyspot.checker.witness import Witness
from studyspot.client.items import Event
from studyspot.client.session import Session
from studyspot.domain.people import Role
from studyspot.wire.frames import ClientFrame, Leave, Since, read_server_frame
from studyspot.ws_fanout.peers import Peer
from tests.ws_fanout.events import EPOCH
from tests.ws_fanout.judged import record_of
from tests.ws_fanout.node import Client, Node


class Watcher:
    """One person with one socket at a time.

    Attributes:
        told: the frames of this connection, as they were read.
        delivered: what the client handed over, from every connection.
    """

    def __init__(
        self, node: Node, user: str, role: Role = "student", *, conflate: bool, full_bytes: int = 64 * 1024
    ) -> None:
        self.user, self.role = user, role
        self.session = Session(conflate=conflate)
        self.witness = Witness(user, user, role)
        self.told: list[dict[str, Any]] = []
        self.delivered: list[Event] = []
        self.client = Client()
        self._node = node
        self._full_bytes = full_bytes
        self._requests = 0
        self._peer: Peer | None = None

    @property
    def is_connected(self) -> bool:
        return self._peer is not None

    @property
    def peer(self) -> Peer:
        assert self._peer is not None
        return self._peer

    @property
    def positions(self) -> list[int]:
        return [frame["position"] for frame in self.told if frame["type"] == "event"]

    def connect(self) -> None:
        self.told = []
        self.client, self._peer = self._node.open(Client(full_bytes=self._full_bytes))
        self._protocol, self._heard = Protocol(CLIENT, state=OPEN), 0
        self.witness.opened()
        self._requests += 1
        self._send(self.session.connect(self._node.token(self.user, self.role), self._requests))

    def join(self, room: str, since: int | None = None) -> None:
        self.session.want(room, None if since is None else Since(epoch=EPOCH, position=since))
        if self._peer is not None:
            for frame in self.session.joins((room,)):
                self._request(frame)

    def leave(self, room: str) -> None:
        self.session.unwant(room)
        if self._peer is not None:
            self._request(Leave(rooms=(room,)))

    def ping(self) -> None:
        self._node.hub.receive(self.peer, '{"type":"ping","id":"p"}')

    def read(self, most: int | None = None) -> None:
        """Take what is there, or its first bytes; who has taken all goes on reading."""
        was_full = self.client.is_full()
        taken = bytes(self.client.unread[:most])
        self.client.received += taken
        del self.client.unread[: len(taken)]
        self.client.reads = not self.client.unread
        if was_full and not self.client.is_full():
            self._node.hub.drained(self.peer)
        self.listen()

    def drop(self) -> None:
        """Lose the connection, with what was not read."""
        self.listen()
        self._node.hub.gone(self.peer)
        self.witness.closed(1006)
        self._peer = None

    def listen(self) -> list[dict[str, Any]]:
        """Hear what has come since the last time."""
        heard: list[dict[str, Any]] = []
        self._protocol.receive_data(bytes(self.client.received[self._heard :]))
        self._heard = len(self.client.received)
        for frame in self._protocol.events_received():
            assert isinstance(frame, Frame)
            heard.append(orjson.loads(frame.data))
            self.witness.received(heard[-1])
            for item in self.session.receive(read_server_frame(bytes(frame.data))):
                assert isinstance(item, Event), item
                self.witness.delivered(item.position, item.rooms, frozenset(item.data))
                self.delivered.append(item)
        self.told += heard
        return heard

    def faults(self, *, settled: bool = True) -> list[str]:
        """What the judge finds in all that this client was told."""
        log = Log(record_of(position, event) for position, event in enumerate(self._node.log, start=1))
        return [str(fault) for fault in judge_socket(log, Rooms(log), self.witness.socket, settled=settled)]

    def _request(self, frame: ClientFrame) -> None:
        self._requests += 1
        self._send(frame.model_copy(update={"id": self._requests}))

    def _send(self, frame: ClientFrame) -> None:
        self.listen()
        sent = frame.model_dump(mode="json", by_alias=True)
        self.witness.sent(sent)
        self._node.hub.receive(self.peer, orjson.dumps(sent).decode())
