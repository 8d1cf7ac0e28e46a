"""Frames as bytes, made once for all sockets that get the same."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson
from websockets.frames import Frame, Opcode

from studyspot.ws_fanout.conflation import SeatKey
from studyspot.ws_fanout.routed import RoutedEvent
from studyspot.ws_fanout.views import show

FrameKey = tuple[int, tuple[str, ...]]
"""An event's position, and those of its rooms by which it comes."""


def text_frame(payload: bytes) -> bytes:
    """Return a payload as a WebSocket text frame of a server: whole, unmasked, uncompressed."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


class Encoder(Protocol):
    """Makes the bytes of events, once for all sockets of a language that get the same."""

    def frame(self, event: RoutedEvent, rooms: tuple[str, ...]) -> bytes:
        """Return whole WebSocket frames for sockets that get the event by these of its rooms.

        Nothing, where the language says nothing of it.
        """

    def replaceable(self, event: RoutedEvent, rooms: tuple[str, ...]) -> SeatKey | None:
        """Return what those frames are about, if newer ones about the same may stand for them."""

    def forget(self) -> None:
        """Forget every frame that was made: other ones are to be made of the same positions."""


class MadeFrames:
    """The newest frames that were made, up to `most_bytes`."""

    def __init__(self, *, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._frames: dict[FrameKey, bytes] = {}

    def get(self, key: FrameKey) -> bytes | None:
        return self._frames.get(key)

    def keep(self, key: FrameKey, made: bytes) -> bytes:
        """Keep a frame, and return it."""
        self._frames[key] = made
        self._bytes += len(made)
        while self._bytes > self._most_bytes:
            self._bytes -= len(self._frames.pop(next(iter(self._frames))))
        return made

    def forget(self) -> None:
        """Keep none of them any more."""
        self._frames.clear()
        self._bytes = 0


class FrameEncoder:
    """Makes the event frames of `studyspot.v1`."""

    def __init__(self, name_of: Callable[[str], str], *, most_bytes: int) -> None:
        """Make it; of the frames it keeps `most_bytes`."""
        self._name_of = name_of
        self._made = MadeFrames(most_bytes=most_bytes)

    def frame(self, event: RoutedEvent, rooms: tuple[str, ...]) -> bytes:
        """Return the WebSocket frame for sockets that get the event by these of its rooms."""
        key = (event.position, rooms)
        known = self._made.get(key)
        return known if known is not None else self._made.keep(key, text_frame(self._payload(event, rooms)))

    def replaceable(self, event: RoutedEvent, rooms: tuple[str, ...]) -> SeatKey | None:
        """Return what that frame is about, if a newer one of the same may stand for it."""
        return event.replaceable(rooms)

    def forget(self) -> None:
        """Forget every frame: positions begin to mean other events."""
        self._made.forget()

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
