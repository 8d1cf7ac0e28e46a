"""The process that holds a crowd's sockets: one thread, epoll, and no work but reading."""

import select
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from heapq import heapify, heappop, heappush
from multiprocessing.connection import Connection

from benchmarks.sockets.checks import Expected
from benchmarks.sockets.dialects import Dialect
from benchmarks.sockets.frames import payloads, whole_frames
from benchmarks.sockets.reader import Opening, Reader, Refused
from benchmarks.sockets.stamped import StampedReader, event_ends

_TURN_SECONDS = 0.05
_RETRY_SECONDS = 0.25
_QUIET_SECONDS = 0.5


def run(commands: Connection) -> None:
    """Obey until the other side is gone; an answer is a result, or the exception that came of it."""
    process = CrowdProcess(commands)
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            process.read_until(commands.poll)
            name, arguments = commands.recv()
            try:
                answer = getattr(process, name)(*arguments)
            except Exception as error:  # noqa: BLE001  # Raised again on the other side.
                answer = error
            commands.send(answer)


class CrowdProcess:
    """The commands that a crowd obeys; all moments are seconds of `time.monotonic`."""

    def __init__(self, commands: Connection) -> None:
        self._epoll = select.epoll()
        self._commands = commands.fileno()
        self._epoll.register(self._commands, select.EPOLLIN)
        self._by_descriptor: dict[int, Reader] = {}
        self._readers: list[Reader] = []
        self._earlier: list[list[bytes]] = []
        self._spare: list[bytearray] = []

    def open(
        self, port: int, openings: Sequence[Opening], at_once: int, most_bytes: int, limit: float
    ) -> tuple[float, float, int]:
        """Open a socket for each, `at_once` of them at a time, with room for `most_bytes` of each.

        Returns:
            When it began, when the last was ready, and how often a socket had to come again.

        Raises:
            TimeoutError: not all were ready within `limit` seconds.
        """
        began = time.monotonic()
        due = [(began + opening.after, number) for number, opening in enumerate(openings)]
        heapify(due)
        under_way: dict[Reader, int] = {}
        ready: dict[int, Reader] = {}
        refused = 0
        while len(ready) < len(openings):
            now = time.monotonic()
            if now - began > limit:
                raise TimeoutError(f"{len(ready)} of {len(openings)} sockets were open after {limit:g} s")
            while due and len(under_way) < at_once and due[0][0] <= now:
                number = heappop(due)[1]
                under_way[self._begin(openings[number], port, most_bytes)] = number
            for reader, mask in self._poll():
                try:
                    self._handle(reader, mask)
                except (Refused, ConnectionError) as error:
                    if reader not in under_way:
                        raise
                    refused += 1
                    after = error.after if isinstance(error, Refused) else _RETRY_SECONDS
                    heappush(due, (now + after, under_way.pop(reader)))
                    self._end(reader)
                else:
                    if reader.ready_at and reader in under_way:
                        ready[under_way.pop(reader)] = reader
        self._readers = [ready[number] for number in range(len(openings))]
        return began, max(reader.ready_at for reader in self._readers), refused

    def forget(self) -> None:
        """Forget what was received so far."""
        self._earlier = []
        for reader in self._readers:
            reader.forget()

    def expect(self, markers: Sequence[bytes]) -> None:
        """Let each socket wait for bytes of its own that come last, or all for the same."""
        for number, reader in enumerate(self._readers):
            reader.expect(markers[number % len(markers)])

    def wait(self, limit: float) -> float:
        """Return when the last socket had what it waited for.

        Raises:
            TimeoutError: some had not within `limit` seconds.
        """
        missing = [*self._readers]

        def all_have() -> bool:
            while missing and missing[-1].found_at:
                missing.pop()
            return not missing

        end = time.monotonic() + limit
        while not self.read_until(all_have, _QUIET_SECONDS) and time.monotonic() < end:
            quiet_since = time.monotonic() - _QUIET_SECONDS
            for reader in missing:
                if not reader.found_at and reader.received_at < quiet_since:
                    reader.look_across_frames()
        if not all_have():
            late = sum(not reader.found_at for reader in self._readers)
            raise TimeoutError(f"{late} of {len(self._readers)} sockets lacked events after {limit:g} s")
        return max(reader.found_at for reader in self._readers)

    def wrongs(self, dialect: Dialect, events: Sequence[Sequence[bytes]]) -> list[str]:
        """Return what is wrong with each socket that has not received its events, which go around them."""
        # Sockets that were given the very same list share what is found right for one of them.
        by_list = {id(of_some): Expected(dialect, of_some) for of_some in events}
        expected = [by_list[id(of_some)] for of_some in events]
        found = []
        for number, received in enumerate(self._received()):
            wrong = expected[number % len(expected)].wrong(received)
            if wrong is not None:
                found.append(f"socket {number}: {wrong}")
        return found

    def events(self, dialect: Dialect) -> list[list[bytes]]:
        """Return the events that each socket received, over its connections, in JSON."""
        return [
            [event for data in received for event in dialect.events(payloads(data))]
            for received in self._received()
        ]

    def delays(self, dialect: Dialect, moments: Sequence[Sequence[float]]) -> "array[float]":
        """Return how long each event took to each socket; the moments they began at go around the sockets."""
        delays = array("d")
        last, ends = b"", list[int]()
        for number, reader in enumerate(self._readers):
            assert isinstance(reader, StampedReader)
            data = reader.received()
            if data != last:
                last, ends = data, event_ends(dialect, data)
            delays.extend(reader.delays(ends, moments[number % len(moments)]))
        return delays

    def ready_at(self) -> list[float]:
        """Return when each socket was ready."""
        return [reader.ready_at for reader in self._readers]

    def newest(self, before: bytes, after: bytes) -> list[bytes | None]:
        """Return what stood between these two when each socket that was dropped last received them."""
        return [_between(received[-1], before, after) for received in self._earlier]

    def drop(self, keep: bool) -> float:
        """Cut all sockets off at once, and return when; `keep` their whole frames for the checks."""
        moment = time.monotonic()
        if keep:
            self._earlier = [[whole_frames(reader.received())] for reader in self._readers]
        for reader in self._readers:
            self._end(reader)
        self._readers = []
        return moment

    def read_until(self, condition: Callable[[], bool], limit: float | None = None) -> bool:
        """Read from the sockets until `condition()` holds; return whether it did within `limit` seconds."""
        end = time.monotonic() + limit if limit is not None else None
        while not condition():
            if end is not None and time.monotonic() > end:
                return False
            for reader, mask in self._poll():
                self._handle(reader, mask)
        return True

    def _received(self) -> Iterator[list[bytes]]:
        """Yield what each socket received, by connections."""
        earlier = self._earlier or [[] for _ in self._readers]
        for before, reader in zip(earlier, self._readers, strict=True):
            yield [*before, reader.received()]

    def _poll(self) -> list[tuple[Reader, int]]:
        ready = self._epoll.poll(_TURN_SECONDS)
        return [
            (self._by_descriptor[descriptor], mask)
            for descriptor, mask in ready
            if descriptor != self._commands
        ]

    def _begin(self, opening: Opening, port: int, most_bytes: int) -> Reader:
        buffer = (
            self._spare.pop() if self._spare and len(self._spare[-1]) >= most_bytes else bytearray(most_bytes)
        )
        reader = (StampedReader if opening.stamped else Reader)(opening, port, buffer)
        self._by_descriptor[reader.socket.fileno()] = reader
        self._epoll.register(reader.socket.fileno(), select.EPOLLOUT)
        return reader

    def _handle(self, reader: Reader, mask: int) -> None:
        reader.handle(mask)
        if mask & select.EPOLLOUT:
            self._epoll.modify(reader.socket.fileno(), select.EPOLLIN)
        if reader.closed:
            self._leave(reader)

    def _end(self, reader: Reader) -> None:
        if not reader.closed:
            self._leave(reader)
        self._spare.append(reader.buffer)

    def _leave(self, reader: Reader) -> None:
        self._epoll.unregister(reader.socket.fileno())
        del self._by_descriptor[reader.socket.fileno()]
        reader.socket.close()


def _between(received: bytes, before: bytes, after: bytes) -> bytes | None:
    start = received.rfind(before)
    if start < 0:
        return None
    start += len(before)
    return received[start : received.index(after, start)]
