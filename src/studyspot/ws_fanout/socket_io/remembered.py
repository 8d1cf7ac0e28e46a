"""What is kept of a connection for its client's return, on whichever node."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remembered:
    """Whose connection it was, in which history, and what it was to receive.

    `rooms` are the libraries' rooms that it had joined, each with the position after which its events are
    wanted; `position` is the head when it connected, from which on it is served when its client names none.
    """

    user_id: str
    epoch: str
    rooms: Mapping[str, int]
    position: int
