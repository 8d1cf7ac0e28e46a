"""A node that is driven by hand: its log, its clock, and a stream that is read a little at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from prometheus_client import CollectorRegistry

from studyspot.domain.events import Event
from studyspot.domain.people import Role
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.metrics import FanoutMetrics
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.replays import Reading
from studyspot.ws_fanout.rights import Rights
from studyspot.ws_fanout.routed import RoutedEvent, routed
from studyspot.ws_fanout.socket_io.scene import Scene
from tests.ws_fanout.events import message
from tests.ws_fanout.model.contract import ROOMS_PER_SOCKET, SOCKETS_PER_USER
from tests.ws_fanout.oblivion import Oblivion
from tests.ws_fanout.people import VERIFIER, token

LIMITS = Limits(
    window_events=5,
    unsent_bytes=4000,
    frames_at_once=10**6,
    stalled_for=timedelta(days=9),
    rooms_per_socket=ROOMS_PER_SOCKET,
    sockets_per_user=SOCKETS_PER_USER,
)


class DrivenNode:
    """A hub whose work is done a step at a time; its window is so small that the stream is often read."""

    def __init__(self, epoch: str) -> None:
        self.now = Now(1000.0, datetime(2026, 12, 1, 8, tzinfo=UTC))
        self.log: list[tuple[Event, datetime]] = []
        self.hub = Hub(
            verifier=VERIFIER,
            name_of=lambda user: f"name of {user}",
            limits=LIMITS,
            clock=lambda: self.now,
            wake=lambda: None,
            metrics=FanoutMetrics(CollectorRegistry()),
            memory=Oblivion(),
        )
        self._epoch = epoch
        self._readings: list[tuple[Reading, int, int]] = []
        self.begin(epoch, 1)

    def begin(self, epoch: str, first_position: int) -> None:
        """Follow the log anew; of another epoch, there is nothing in it."""
        if epoch != self._epoch:
            self._epoch, self.log = epoch, []
        rights = Rights()
        for position in range(1, len(self.log) + 1):
            recorded = self._read(position)[1]
            assert recorded is not None
            rights.apply(recorded)
        self.hub.begin(epoch, len(self.log), first_position, rights, Scene())

    def publish(self, events: Sequence[Event]) -> None:
        first = len(self.log) + 1
        self.log += [(event, self.now.time) for event in events]
        self.hub.publish([self._read(position) for position in range(first, len(self.log) + 1)])

    def token(self, user: str, role: Role, lifetime: timedelta) -> str:
        return token(user, role, now=self.now.time, lifetime=lifetime)

    def tell(self, peer: Peer, frame: dict[str, Any] | str | bytes) -> None:
        data = orjson.dumps(frame).decode() if isinstance(frame, dict) else frame
        self.hub.receive(peer, data)

    def pass_time(self, by: timedelta) -> None:
        for peer in self.hub.peers:
            self.hub.heard_pong(peer)
        self.now = Now(self.now.seconds + by.total_seconds(), self.now.time + by)
        self.hub.tick()
        for peer in self.hub.peers:
            self.hub.heard_pong(peer)

    def read_stream(self, count: int) -> None:
        """Bring those who wait for the stream the next `count` positions, as far as they take them."""
        asked = self.hub.replays.take_readings()
        going = [*self._readings, *((reading, reading.lane.cursor, self.hub.head) for reading in asked)]
        self._readings = []
        for reading, after, until in going:
            if not reading.is_wanted():
                self.hub.replays.give_up(reading)
                continue
            upto = min(after + count, until)
            rooms = reading.lane.rooms.keys()
            batch = [self._read(position)[0] for position in range(after + 1, upto + 1)]
            # The server leaves out what no room of theirs sees.
            seen = [event for event in batch if event.route.sights.keys() & rooms]
            if not self.hub.replays.bring(reading, seen):
                self.hub.replays.give_up(reading)
            elif upto == until:
                self.hub.replays.finish(reading, until)
            else:
                self._readings.append((reading, upto, until))

    def settle(self) -> None:
        while self.hub.step() or self.hub.replays.has_readings or self._readings:
            self.read_stream(100)

    def _read(self, position: int) -> tuple[RoutedEvent, Any]:
        event, time = self.log[position - 1]
        return routed(message(position, event, epoch=self._epoch, time=time))
