"""Frames as bytes, made once for all sockets that get the same."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from websockets.frames import Frame, Opcode

from studyspot.ws_fanout.routed import RoutedEvent
from studyspot.ws_fanout.views import show


def text_frame(payload: bytes) -> bytes:
    """Return a payload as a WebSocket text frame of a server: whole, unmasked, uncompressed."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


class FrameEncoder:
    """Makes event frames, and keeps the newest of them up to `most_bytes`."""

    def __init__(self, name_of: Callable[[str], str], *, most_bytes: int) -> None:
        self._name_of = name_of
        self._most_bytes = most_bytes
        self._bytes = 0
        self._frames: dict[tuple[int, tuple[str, ...]], bytes] = {}

    def frame(self, event: RoutedEvent, rooms: tuple[str, ...]) -> bytes:
        """Return the WebSocket frame for sockets that get the event by these of its rooms."""
        key = (event.position, rooms)
        known = self._frames.get(key)
        if known is not None:
            return known
        made = self._frames[key] = text_frame(self._payload(event, rooms))
        self._bytes += len(made)
        while self._bytes > self._most_bytes:
            self._bytes -= len(self._frames.pop(next(iter(self._frames))))
        return made

    def forget(self) -> None:
        """Forget every frame: positions begin to mean other events."""
        self._frames.clear()
        self._bytes = 0

    def _payload(self, event: RoutedEvent, rooms: tuple[str, ...]) -> bytes:
        sight = max((event.route.sights[room] for room in rooms), key=lambda sight: sight.view.richness)
        envelope: Mapping[str, Any] = orjson.loads(event.body)
        return orjson.dumps(
            {
                "type": "event",
                "name": sight.name,
                "position": event.position,
                "rooms": rooms,
                "event": show(sight.view, envelope, event.route.state, self._name_of),
            }
        )
