"""What an idle socket costs, and how fast sockets come: 5 000, each authenticated and in three rooms.

Memory is what the server's process grew by (resident, when its garbage is collected), divided by the sockets;
connects per second are from the first connect until the last socket was answered, with tokens that the server
has never seen. Every turn has a process of its own. Socket.IO does the same: it verifies the token and joins
the same three rooms. Bare `websockets` does neither, and is shown for comparison.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial

import structlog

from benchmarks.frame import OURS, Benchmark, Figures, Report, alternate, missed
from benchmarks.sockets.contestants import SocketServer, begun
from benchmarks.sockets.crowd import Crowd, Opened, crowd
from benchmarks.sockets.processes import memory_bytes, processor_seconds
from benchmarks.sockets.python_server import LOOP, python_server
from benchmarks.sockets.socket_io import NAME as SOCKET_IO
from benchmarks.sockets.socket_io import socket_io
from benchmarks.sockets.studyspot_node import studyspot_node, tokens
from benchmarks.sockets.told_server import ToldServer
from studyspot.access.keys import SigningKey

SOCKETS = 5_000
ROUNDS = 3
MOST_MEMORY = 0.9
LEAST_CONNECTS = 0.7
WEBSOCKETS = "websockets"
_AT_ONCE = 200
_CALM_SECONDS = 1.0
_LIMIT_SECONDS = 60.0
_KIB = 1024

log = structlog.get_logger()


Beginning = Callable[[], AbstractContextManager[SocketServer]]


@dataclass
class Crowds:
    """Lets one contestant after the other hold the crowd, which has a token for each socket.

    Attributes:
        connects: how many sockets a second were opened in each turn.
        refused: how many had to come again, in all turns.
        by_processor: how many sockets were opened per second of the server's processor time.
    """

    crowd: Crowd
    tokens: Sequence[str]
    connects: dict[str, list[float]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    by_processor: dict[str, list[float]] = field(default_factory=dict)

    def turn(self, name: str, begin: Beginning) -> float:
        """Open all sockets, and return the KiB that each takes when nothing happens."""
        with begin() as server:
            before, used = memory_bytes(server.pid), processor_seconds(server.pid)
            opened = self._open(server)
            used = processor_seconds(server.pid) - used
            if isinstance(server, ToldServer):
                server.tell("collect")
            time.sleep(_CALM_SECONDS)
            grown = memory_bytes(server.pid) - before
            self.crowd.drop()
        rate, each = len(self.tokens) / opened.seconds, grown / _KIB / len(self.tokens)
        log.info("turn", server=name, connects_per_second=round(rate), kib_each=round(each, 1))
        self.connects.setdefault(name, []).append(rate)
        self.by_processor.setdefault(name, []).append(len(self.tokens) / max(used, 0.01))
        self.refused[name] = self.refused.get(name, 0) + opened.refused
        return each

    def _open(self, server: SocketServer) -> Opened:
        steps = [server.dialect.opening(token, ()) for token in self.tokens]
        return self.crowd.open(server.dialect, server.port, steps, at_once=_AT_ONCE, limit=_LIMIT_SECONDS)


def measure(*, sockets: int = SOCKETS, rounds: int = ROUNDS, only: Collection[str] | None = None) -> Report:
    """Measure all, or ours and `only` these peers."""
    key = SigningKey.generate()
    beginnings: dict[str, Beginning] = {OURS: lambda: studyspot_node(key)}
    peers = _peers(key)
    with ExitStack() as stack:
        present, absent = begun(stack, peers, only)
    beginnings |= {name: peers[name] for name in present}
    with crowd() as people:
        crowds = Crowds(people, tokens(key, sockets))
        memory = alternate(
            rounds, {name: partial(crowds.turn, name, begin) for name, begin in beginnings.items()}
        )
    connects = {name: Figures(tuple(rates)) for name, rates in crowds.connects.items()}
    return _report(memory, connects, absent, crowds)


def _peers(key: SigningKey) -> Mapping[str, Beginning]:
    return {
        SOCKET_IO: lambda: socket_io(key, (), ""),
        WEBSOCKETS: lambda: python_server(LOOP, ()),
    }


def _report(
    memory: Mapping[str, Figures],
    connects: Mapping[str, Figures],
    absent: Mapping[str, str],
    crowds: Crowds,
) -> Report:
    peers = [name for name in memory if name != OURS]
    ratios = {name: memory[OURS].ratio_to(memory[name]) for name in peers}
    connect_ratios = {name: connects[OURS].ratio_to(connects[name]) for name in peers}
    musts = []
    if SOCKET_IO in ratios:
        most, least = ratios[SOCKET_IO], connect_ratios[SOCKET_IO]
        musts = [
            (most <= MOST_MEMORY, f"at most {MOST_MEMORY} × the memory of {SOCKET_IO}: {most:.2f}"),
            (
                least >= LEAST_CONNECTS,
                f"at least {LEAST_CONNECTS} × the connects of {SOCKET_IO}: {least:.2f}",
            ),
        ]
    return Report(
        name="connections",
        ours=round(memory[OURS].median, 1),
        peers={name: round(memory[name].median, 1) for name in peers},
        ratio={name: round(ratio, 2) for name, ratio in ratios.items()},
        unit="KiB a socket",
        rounds=len(memory[OURS].values),
        more={
            "sockets": len(crowds.tokens),
            "spread": {name: figures.spread() for name, figures in memory.items()},
            "connectsPerSecond": {name: figures.spread() for name, figures in connects.items()},
            "connectsRatio": {name: round(ratio, 2) for name, ratio in connect_ratios.items()},
            "connectsPerProcessorSecond": {
                name: round(max(rates)) for name, rates in crowds.by_processor.items()
            },
            "cameAgain": crowds.refused,
        },
        absent=absent,
        failures=missed(musts),
    )


BENCHMARK = Benchmark(
    "connections", f"memory of an idle socket of {SOCKETS:,}, in three rooms, and connects/s", measure
)
