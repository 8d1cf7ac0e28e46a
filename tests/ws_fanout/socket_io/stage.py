"""A scene with a log of its own before it, and what sockets in some rooms are told of the next event."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from studyspot.domain.events import Event
from studyspot.ws_fanout.routed import RoutedEvent, routed
from studyspot.ws_fanout.socket_io.payloads import packets
from studyspot.ws_fanout.socket_io.scene import Scene
from tests.ws_fanout.events import START, message

Packets = Sequence[tuple[str, dict[str, Any]]]


class Stage:
    """Events happen one after the other, each at `time`.

    Attributes:
        scene: after the last of them.
        events: each that has happened, by position.
    """

    def __init__(self, *before: Event) -> None:
        self.scene = Scene()
        self.events: dict[int, RoutedEvent] = {}
        for event in before:
            self.happen(event)

    def happen(self, event: Event, time: datetime = START) -> int:
        """Let an event happen, and return its position."""
        position = len(self.events) + 1
        event_routed, recorded = routed(message(position, event, time=time))
        assert recorded is not None
        self.events[position] = event_routed
        self.scene.apply(recorded)
        return position

    def told(self, position: int, *rooms: str, at: datetime, scene: Scene | None = None) -> Packets:
        """Return what a socket in these rooms is told of the event at `at`."""
        event = self.events[position]
        common = tuple(room for room in event.route.sights if room in rooms)
        return packets(event, common, scene or self.scene, lambda user: f"Name of {user}", at)

    def tell(self, event: Event, *rooms: str, at: datetime, written_at: datetime | None = None) -> Packets:
        """Let an event happen at `at`, or `written_at` by its own clock, and return what is told of it."""
        return self.told(self.happen(event, written_at or at), *rooms, at=at)
