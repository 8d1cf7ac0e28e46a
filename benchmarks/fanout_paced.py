"""A room of 2 000 sockets, 20 events a second: how long an event takes to each of them.

It is the kernel that limits here: one `send` for each socket and event. So ours is compared with a bare loop
that does nothing but these sends, each frame made once for all; and it has NATS, a stream on a disk, people
and rights in addition.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial

from benchmarks.frame import OURS, Benchmark, Figures, Report, alternate, missed
from benchmarks.sockets.contestants import begun
from benchmarks.sockets.crowd import crowd
from benchmarks.sockets.events import bookings
from benchmarks.sockets.nchan import NAME as NCHAN
from benchmarks.sockets.nchan import nchan
from benchmarks.sockets.python_server import LOOP, python_server
from benchmarks.sockets.socket_io import NAME as SOCKET_IO
from benchmarks.sockets.socket_io import socket_io
from benchmarks.sockets.steady import Load, SteadyServer, SteadyTurns
from benchmarks.sockets.stream import EPOCH
from benchmarks.sockets.studyspot_node import studyspot_node, tokens
from studyspot.access.keys import SigningKey

SOCKETS = 2_000
EVENTS_PER_SECOND = 20
SECONDS = 4
ROUNDS = 3
MOST_RATIOS = {LOOP: 1.15, SOCKET_IO: 1.0}
LIBRARY = "L1"


def measure(
    *,
    sockets: int = SOCKETS,
    per_second: float = EVENTS_PER_SECOND,
    seconds: float = SECONDS,
    rounds: int = ROUNDS,
    only: Collection[str] | None = None,
) -> Report:
    """Measure all, or ours and `only` these peers."""
    key = SigningKey.generate()
    load = Load([LIBRARY] * sockets, [LIBRARY] * round(per_second * seconds), per_second)
    shown = [one.shown for one in bookings(load.happens_in, after=0, count=len(load.happens_in), epoch=EPOCH,
                                           seed=0)]  # fmt: skip
    with ExitStack() as stack:
        turns = SteadyTurns(stack.enter_context(crowd()), tokens(key, sockets), load)
        servers: dict[str, SteadyServer] = {OURS: stack.enter_context(studyspot_node(key))}
        peers, absent = begun(stack, _peers(key, shown), only)
        servers |= peers
        figures = alternate(
            rounds, {name: partial(turns.turn, name, server) for name, server in servers.items()}
        )
    return _report(figures, turns, absent)


def _peers(
    key: SigningKey, shown: Sequence[bytes]
) -> Mapping[str, Callable[[], AbstractContextManager[SteadyServer]]]:
    return {
        LOOP: lambda: python_server(LOOP, shown),
        NCHAN: lambda: nchan(shown),
        SOCKET_IO: lambda: socket_io(key, shown, LIBRARY),
    }


def _report(figures: Mapping[str, Figures], turns: SteadyTurns, absent: Mapping[str, str]) -> Report:
    ours = figures[OURS]
    peers = {name: of_peer for name, of_peer in figures.items() if name != OURS}
    ratios = {name: ours.ratio_to(of_peer) for name, of_peer in peers.items()}
    wrong = turns.wrongs
    return Report(
        name="fanout-paced",
        ours=round(ours.median, 2),
        peers={name: round(of_peer.median, 2) for name, of_peer in peers.items()},
        ratio={name: round(ratio, 2) for name, ratio in ratios.items()},
        unit="ms at p99",
        rounds=len(ours.values),
        more=turns.told(figures),
        absent=absent,
        failures=missed(
            [
                (not wrong, f"each socket gets each event once, in order: {len(wrong)} did not; {wrong[:1]}"),
                *(
                    (ratios[name] <= most, f"at most {most:g} × {name}: {ratios[name]:.2f}")
                    for name, most in MOST_RATIOS.items()
                    if name in ratios
                ),
            ]
        ),
    )


BENCHMARK = Benchmark(
    "fanout-paced",
    f"{SOCKETS:,} sockets in a room, {EVENTS_PER_SECOND} events/s: event until socket",
    measure,
)
