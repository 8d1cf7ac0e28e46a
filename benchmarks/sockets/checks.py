"""Whether sockets received what they should: each event once, in order, every byte of it."""

from collections.abc import Sequence

import orjson

from benchmarks.sockets.dialects import Dialect
from benchmarks.sockets.frames import payloads


class Expected:
    """The events that sockets of one kind should have, in JSON, in order."""

    def __init__(self, dialect: Dialect, events: Sequence[bytes]) -> None:
        self._dialect = dialect
        self._events = events
        # As some socket had them that was found right: most of the others have the very same bytes.
        self._right: bytes | None = None
        self._right_events: Sequence[bytes] = ()

    def wrong(self, received: Sequence[bytes]) -> str | None:
        """Return what is wrong with what a socket received over its connections, one after the other."""
        if len(received) == 1 and received[0] == self._right:
            return None
        found: list[bytes] = []
        for data in received:
            try:
                found += self._dialect.events(payloads(data))
            except ValueError as error:
                return str(error)
        if found == self._right_events and found:
            return None
        if len(found) != len(self._events):
            return f"{len(found)} events instead of {len(self._events)}"
        for number, (event, expected) in enumerate(zip(found, self._events, strict=True), start=1):
            if event != expected and not _same(event, expected):
                return f"event {number} is {event[:300].decode()}, not {expected[:300].decode()}"
        self._right_events = found
        if len(received) == 1:
            self._right = received[0]
        return None


def _same(event: bytes, expected: bytes) -> bool:
    try:
        same: bool = orjson.loads(event) == orjson.loads(expected)
    except orjson.JSONDecodeError:
        return False
    return same
