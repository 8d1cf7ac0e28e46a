"""A burst: 1 000 sockets in one room get 2 000 events as fast as they come, and every byte is checked.

All servers have one process, one load generator, and the same events. A slow peer sends a smaller share of
them, and rates are compared: deliveries per second, from the order to publish until the last socket has all.
Ours is the product: a real NATS, `studyspot fanout`, authenticated sockets.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Protocol

import orjson
import structlog

from benchmarks.frame import OURS, Benchmark, Figures, Report, alternate, missed
from benchmarks.sockets.contestants import SocketServer, begun
from benchmarks.sockets.crowd import Crowd, crowd
from benchmarks.sockets.events import bookings, room_of
from benchmarks.sockets.nats_listener import NAME as NATS
from benchmarks.sockets.nats_listener import nats_listener
from benchmarks.sockets.nchan import NAME as NCHAN
from benchmarks.sockets.nchan import nchan
from benchmarks.sockets.processes import processor_seconds
from benchmarks.sockets.python_server import BROADCAST, LOOP, python_server
from benchmarks.sockets.socket_io import NAME as SOCKET_IO
from benchmarks.sockets.socket_io import socket_io
from benchmarks.sockets.stream import EPOCH
from benchmarks.sockets.studyspot_node import studyspot_node, tokens
from studyspot.access.keys import SigningKey

SOCKETS = 1_000
EVENTS = 2_000
ROUNDS = 3
SHARES = {OURS: 1.0, SOCKET_IO: 0.08, NATS: 0.5, NCHAN: 0.2, BROADCAST: 0.1, LOOP: 0.15}
"""Of the events: what each can send in a few seconds."""
LEAST_RATIOS = {SOCKET_IO: 10.0, NATS: 4.0, NCHAN: 3.0}
"""NATS's listener coalesces as ours does: docs/decisions/0018 says what can be asked beside it."""
LIBRARY = "L1"
_WARMING_EVENTS = 20
_LIMIT_SECONDS = 60.0
_ROOM_BYTES_AN_EVENT = 450

log = structlog.get_logger()


class BurstServer(SocketServer, Protocol):
    """A server that sends events to everyone in a room."""

    def prepare(self, library: str, count: int) -> Sequence[bytes]:
        """Make the next events; return what each socket should get, in JSON."""

    def publish(self) -> None:
        """Send what was prepared, as fast as possible."""


class Bursts:
    """Lets one contestant after the other have its turn.

    Attributes:
        wrongs: each socket that did not get each event once, in order.
        by_processor: deliveries per second of the server's processor time, of each turn.
    """

    def __init__(self, sockets: Crowd, tokens: Sequence[str], events: int) -> None:
        self.wrongs: list[str] = []
        self.by_processor: dict[str, list[float]] = {}
        self._crowd = sockets
        self._tokens = tokens
        self._events = events

    def turn(self, name: str, server: BurstServer) -> float:
        """Open the sockets, send a few events and then the burst; return deliveries per second."""
        count = max(1, round(self._events * SHARES[name]))
        dialect = server.dialect
        steps = [dialect.opening(token, [room_of(LIBRARY)]) for token in self._tokens]
        self._crowd.open(
            dialect, server.port, steps, most_bytes=_ROOM_BYTES_AN_EVENT * self._events, limit=_LIMIT_SECONDS
        )
        try:
            self._send(name, server, min(count, _WARMING_EVENTS))
            used = processor_seconds(server.pid)
            took = self._send(name, server, count)
            used = processor_seconds(server.pid) - used
        finally:
            self._crowd.drop()
        deliveries = count * len(self._tokens)
        log.info("turn", server=name, deliveries=deliveries, seconds=round(took, 2))
        self.by_processor.setdefault(name, []).append(deliveries / max(used, 0.01))
        return deliveries / took

    def _send(self, name: str, server: BurstServer, count: int) -> float:
        shown = server.prepare(LIBRARY, count)
        self._crowd.forget()
        self._crowd.expect(b'"position":%d,' % orjson.loads(shown[-1])["position"])
        began = time.monotonic()
        server.publish()
        took = self._crowd.wait(limit=_LIMIT_SECONDS) - began
        self.wrongs += [f"{name}: {wrong}" for wrong in self._crowd.wrongs(server.dialect, shown)]
        return took


def measure(
    *, sockets: int = SOCKETS, events: int = EVENTS, rounds: int = ROUNDS, only: Collection[str] | None = None
) -> Report:
    """Measure all, or ours and `only` these peers."""
    key = SigningKey.generate()
    shown = [happening.shown for happening in bookings([LIBRARY], after=0, count=events, epoch=EPOCH, seed=0)]
    with ExitStack() as stack:
        bursts = Bursts(stack.enter_context(crowd()), tokens(key, sockets), events)
        servers: dict[str, BurstServer] = {OURS: stack.enter_context(studyspot_node(key))}
        peers, absent = begun(stack, _peers(key, shown), only)
        servers |= peers
        figures = alternate(
            rounds,
            {name: partial(bursts.turn, name, server) for name, server in servers.items()},
        )
    return _report(figures, bursts, absent, sockets=sockets, events=events)


def _peers(
    key: SigningKey, shown: Sequence[bytes]
) -> Mapping[str, Callable[[], AbstractContextManager[BurstServer]]]:
    return {
        SOCKET_IO: lambda: socket_io(key, shown, LIBRARY),
        NATS: lambda: nats_listener(shown),
        NCHAN: lambda: nchan(shown),
        BROADCAST: lambda: python_server(BROADCAST, shown),
        LOOP: lambda: python_server(LOOP, shown),
    }


def _report(
    figures: Mapping[str, Figures], bursts: Bursts, absent: Mapping[str, str], *, sockets: int, events: int
) -> Report:
    ours = figures[OURS]
    peers = {name: of_peer for name, of_peer in figures.items() if name != OURS}
    ratios = {name: ours.ratio_to(of_peer) for name, of_peer in peers.items()}
    wrong = bursts.wrongs
    return Report(
        name="fanout-burst",
        ours=round(ours.median, 1),
        peers={name: round(of_peer.median, 1) for name, of_peer in peers.items()},
        ratio={name: round(ratio, 2) for name, ratio in ratios.items()},
        unit="deliveries/s",
        rounds=len(ours.values),
        more={
            "sockets": sockets,
            "events": {name: max(1, round(events * SHARES[name])) for name in figures},
            "spread": {name: of_one.spread() for name, of_one in figures.items()},
            "deliveriesPerProcessorSecond": {
                name: round(max(rates)) for name, rates in bursts.by_processor.items()
            },
        },
        absent=absent,
        failures=missed(
            [
                (not wrong, f"each socket gets each event once, in order: {len(wrong)} did not; {wrong[:1]}"),
                *(
                    (ratios[name] >= least, f"at least {least:g} × {name}: {ratios[name]:.2f}")
                    for name, least in LEAST_RATIOS.items()
                    if name in ratios
                ),
            ]
        ),
    )


BENCHMARK = Benchmark("fanout-burst", f"{SOCKETS:,} sockets in a room, {EVENTS:,} events at once", measure)
