"""What the server's frames say of rooms."""

from collections.abc import Iterable, Iterator, Mapping

from studyspot.checker.passages import Frame

_TOO_MANY = "too-many-rooms"


def is_unasked_move(frame: Frame) -> bool:
    """Say whether the frame tells of rooms that were left or entered without a request."""
    return frame.get("type") in ("left", "joined") and frame.get("id") is None


def granted(rooms: Iterable[object]) -> Iterator[str]:
    """Yield the rooms that were granted: plain names, or `{"room", "joined"}`."""
    for room in rooms:
        if isinstance(room, str):
            yield room
        elif isinstance(room, Mapping) and room.get("joined"):
            yield str(room["room"])


def refused(rooms: Iterable[object]) -> Iterator[str]:
    """Yield the rooms that were refused for what they are, and not for their number."""
    for room in rooms:
        if isinstance(room, Mapping) and not room.get("joined") and room.get("code") != _TOO_MANY:
            yield str(room["room"])
