"""Events as packets of Socket.IO, made once for all sockets that get the same."""

from collections.abc import Callable
from datetime import timedelta

from studyspot.ws_fanout.conflation import SeatKey
from studyspot.ws_fanout.encoder import MadeFrames
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.routed import RoutedEvent
from studyspot.ws_fanout.socket_io import words
from studyspot.ws_fanout.socket_io.payloads import packets
from studyspot.ws_fanout.socket_io.scene import Scene

_TRUE_FOR = timedelta(seconds=1)
"""Packets tell whether a seat is free now; older ones are made anew."""


class PacketEncoders:
    """Makes packets for sockets whose clients have an offset, and for those whose have none for now.

    Attributes:
        placed: with the position after those of each event.
        unplaced: without.
    """

    def __init__(self, name_of: Callable[[str], str], clock: Callable[[], Now], *, most_bytes: int) -> None:
        """Make it; each keeps `most_bytes` of its packets."""
        self.placed = PacketEncoder(name_of, clock, most_bytes=most_bytes, tells_positions=True)
        self.unplaced = PacketEncoder(name_of, clock, most_bytes=most_bytes, tells_positions=False)

    @property
    def scene(self) -> Scene:
        """What is told beyond the events."""
        return self.placed.scene

    @scene.setter
    def scene(self, scene: Scene) -> None:
        self.placed.scene = self.unplaced.scene = scene

    def forget(self) -> None:
        """Forget every packet: positions or names begin to mean others."""
        self.placed.forget()
        self.unplaced.forget()


class PacketEncoder:
    """Makes an event's packets: those that a portal reads, and perhaps the position after them.

    Attributes:
        scene: what is told beyond the event.
    """

    def __init__(
        self,
        name_of: Callable[[str], str],
        clock: Callable[[], Now],
        *,
        most_bytes: int,
        tells_positions: bool,
    ) -> None:
        self.scene = Scene()
        self._name_of = name_of
        self._clock = clock
        self._tells_positions = tells_positions
        self._made = MadeFrames(most_bytes=most_bytes)
        self._true_until = 0.0

    def frame(self, event: RoutedEvent, rooms: tuple[str, ...]) -> bytes:
        """Return the WebSocket frames for sockets that get the event by these of its rooms, if it has any."""
        now = self._clock()
        if now.seconds >= self._true_until:
            self._made.forget()
            self._true_until = now.seconds + _TRUE_FOR.total_seconds()
        key = (event.position, rooms)
        known = self._made.get(key)
        return known if known is not None else self._made.keep(key, self._packets(event, rooms, now))

    def replaceable(self, event: RoutedEvent, rooms: tuple[str, ...]) -> SeatKey | None:  # noqa: ARG002
        """Nothing stands for packets: a booking that moves tells of two seats, and its next event of one."""
        return None

    def forget(self) -> None:
        """Forget every packet."""
        self._made.forget()

    def _packets(self, event: RoutedEvent, rooms: tuple[str, ...], now: Now) -> bytes:
        made = [
            words.event(name, payload)
            for name, payload in packets(event, rooms, self.scene, self._name_of, now.time)
        ]
        if made and self._tells_positions:
            made.append(words.position(event.position))
        return b"".join(made)
