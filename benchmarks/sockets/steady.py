"""A steady load: events come evenly, and how long each takes until each of its sockets has it.

An event begins when it is handed over: to a publisher that works as the relay does, or to a peer, which has
it on its standard input or in a request. It ends when the kernel has it for a socket: the server is measured
with all before it, and not how fast the crowd reads. How busy everyone was is told beside it.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import orjson
import structlog

from benchmarks.frame import Figures, percentile
from benchmarks.sockets.contestants import SocketServer
from benchmarks.sockets.crowd import Crowd
from benchmarks.sockets.events import room_of
from benchmarks.sockets.processes import processor_seconds

_WARMING_EVENTS = 20
_LIMIT_SECONDS = 60.0
_ROOM_BYTES_AN_EVENT = 450
_LEAST_ROOM_BYTES = 8 * 1024
_MS = 1000

log = structlog.get_logger()


class SteadyServer(SocketServer, Protocol):
    """A server that sends each event to everyone who looks at its library."""

    def prepare_of(self, libraries: Sequence[str]) -> Sequence[bytes]:
        """Make the next events, one of each of these libraries; return what is shown of them, in JSON."""

    def send(self, first: int, end: int) -> None:
        """Let those of these numbers happen now; nothing is waited for."""


@dataclass(frozen=True, slots=True)
class Load:
    """Which library each socket looks at, of which each event is, and how many events come in a second."""

    looks_at: Sequence[str]
    happens_in: Sequence[str]
    per_second: float

    @property
    def deliveries(self) -> int:
        """How many events all sockets get together."""
        events = Counter(self.happens_in)
        return sum(events[library] for library in self.looks_at)


@dataclass
class SteadyTurns:
    """Lets one contestant after the other bear the load.

    Attributes:
        wrongs: each socket that did not get each of its events once, in order.
        p50: the median delay of each turn, in milliseconds, by contestant.
        busy: by contestant and process, the share of a processor that it took in each turn.
        by_processor: deliveries per second of the server's processor time.
    """

    crowd: Crowd
    tokens: Sequence[str]
    load: Load
    wrongs: list[str] = field(default_factory=list)
    p50: dict[str, list[float]] = field(default_factory=dict)
    busy: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    by_processor: dict[str, list[float]] = field(default_factory=dict)

    def turn(self, name: str, server: SteadyServer) -> float:
        """Open the sockets, and return the 99th percentile of the delays, in milliseconds."""
        load, dialect = self.load, server.dialect
        rooms = [[room_of(library)] for library in load.looks_at]
        self.crowd.open(
            dialect,
            server.port,
            [dialect.opening(*one) for one in zip(self.tokens, rooms, strict=True)],
            most_bytes=max(_LEAST_ROOM_BYTES, _ROOM_BYTES_AN_EVENT * load.deliveries // len(rooms)),
            limit=_LIMIT_SECONDS,
            stamped=True,
        )
        try:
            self._send(name, server, load.happens_in[:_WARMING_EVENTS])
            before, began = self._processor_seconds(server), time.monotonic()
            delays = self._send(name, server, load.happens_in)
            after, took = self._processor_seconds(server), time.monotonic() - began
        finally:
            self.crowd.drop()
        used = {process: seconds - before[process] for process, seconds in after.items()}
        for process, seconds in used.items():
            self.busy.setdefault(name, {}).setdefault(process, []).append(round(seconds / took, 2))
        p50, p99 = percentile(delays, 0.5) * _MS, percentile(delays, 0.99) * _MS
        self.by_processor.setdefault(name, []).append(len(delays) / max(used["server"], 0.01))
        self.p50.setdefault(name, []).append(p50)
        log.info("turn", server=name, deliveries=len(delays), p50_ms=round(p50, 2), p99_ms=round(p99, 2))
        return p99

    def _processor_seconds(self, server: SteadyServer) -> dict[str, float]:
        return {
            "server": processor_seconds(server.pid),
            "crowd": processor_seconds(self.crowd.pid),
            "publisher": time.process_time(),
        }

    def _send(self, name: str, server: SteadyServer, libraries: Sequence[str]) -> Sequence[float]:
        """Let an event happen in each of the libraries; return each delay, in seconds."""
        shown = server.prepare_of(libraries)
        events: dict[str, list[bytes]] = {library: [] for library in {*self.load.looks_at, *libraries}}
        for library, event in zip(libraries, shown, strict=True):
            events[library].append(event)
        self.crowd.forget()
        self.crowd.expect(*(_last_of(events[library]) for library in self.load.looks_at))
        handed = hand_over_evenly(len(libraries), self.load.per_second, server.send)
        self.crowd.wait(limit=_LIMIT_SECONDS)
        expected = [events[library] for library in self.load.looks_at]
        wrongs = self.crowd.wrongs(server.dialect, *expected)
        if wrongs:
            self.wrongs += [f"{name}: {wrong}" for wrong in wrongs]
            return [_LIMIT_SECONDS]
        moments: dict[str, list[float]] = {library: [] for library in events}
        for library, moment in zip(libraries, handed, strict=True):
            moments[library].append(moment)
        return self.crowd.delays(server.dialect, *(moments[library] for library in self.load.looks_at))

    def told(self, figures: Mapping[str, Figures]) -> dict[str, object]:
        """Return what is told beside the 99th percentiles."""
        p50 = {name: Figures(tuple(values)) for name, values in self.p50.items()}
        return {
            "sockets": len(self.tokens),
            "eventsPerSecond": self.load.per_second,
            "seconds": round(len(self.load.happens_in) / self.load.per_second, 2),
            "deliveries": self.load.deliveries,
            "p99Ms": {name: of_one.spread() for name, of_one in figures.items()},
            "p50Ms": {name: of_one.spread() for name, of_one in p50.items()},
            "deliveriesPerProcessorSecond": {
                name: round(max(rates)) for name, rates in self.by_processor.items()
            },
            "shareOfAProcessor": self.busy,
        }


def hand_over_evenly(count: int, per_second: float, send: Callable[[int, int], None]) -> list[float]:
    """Call `send` with the numbers of the events that are due, until all are; return when each was.

    Moments are in seconds of `time.time`, as the kernel's are.
    """
    began = time.time()
    moments: list[float] = []
    while len(moments) < count:
        time.sleep(max(0.0, began + len(moments) / per_second - time.time()))
        now = time.time()
        first, end = len(moments), min(count, int((now - began) * per_second) + 1)
        if end > first:
            moments += [now] * (end - first)
            send(first, end)
    return moments


def _last_of(events: Sequence[bytes]) -> bytes:
    """Return what a socket waits for that should get these events: nothing where there are none."""
    return b'"position":%d,' % orjson.loads(events[-1])["position"] if events else b""
