"""5 000 sockets look at 500 libraries, in which 500 events a second happen: how long each takes.

Libraries differ as towns do: the n-th has n⁻⁰·⁷ times the sockets and the events of the first, so that some
events go to hundreds of sockets and most to a few. Of every socket all that it received is checked against
what happened in its library. Socket.IO does the same, and has the events from memory.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from functools import partial
from random import Random

from benchmarks.frame import OURS, Benchmark, Figures, Report, alternate, missed
from benchmarks.sockets.contestants import begun
from benchmarks.sockets.crowd import crowd
from benchmarks.sockets.events import bookings
from benchmarks.sockets.socket_io import NAME as SOCKET_IO
from benchmarks.sockets.socket_io import socket_io
from benchmarks.sockets.steady import Load, SteadyServer, SteadyTurns
from benchmarks.sockets.stream import EPOCH
from benchmarks.sockets.studyspot_node import studyspot_node, tokens
from studyspot.access.keys import SigningKey

SOCKETS = 5_000
LIBRARIES = 500
EVENTS_PER_SECOND = 500
SECONDS = 5
ROUNDS = 4
MOST_RATIO = 1.0
_SKEW = 0.7
_SEED = 20261201


def measure(
    *,
    sockets: int = SOCKETS,
    libraries: int = LIBRARIES,
    per_second: float = EVENTS_PER_SECOND,
    seconds: float = SECONDS,
    rounds: int = ROUNDS,
    only: Collection[str] | None = None,
) -> Report:
    """Measure all, or ours and `only` these peers."""
    key = SigningKey.generate()
    load = skewed_load(sockets, libraries, round(per_second * seconds), per_second)
    with ExitStack() as stack:
        turns = SteadyTurns(stack.enter_context(crowd()), tokens(key, sockets), load)
        servers: dict[str, SteadyServer] = {OURS: stack.enter_context(studyspot_node(key))}
        happened = bookings(load.happens_in, after=0, count=len(load.happens_in), epoch=EPOCH, seed=0)
        shown = [one.shown for one in happened]
        peers, absent = begun(stack, {SOCKET_IO: lambda: socket_io(key, shown, "")}, only)
        servers |= peers
        figures = alternate(
            rounds, {name: partial(turns.turn, name, server) for name, server in servers.items()}
        )
    return _report(figures, turns, absent)


def skewed_load(sockets: int, libraries: int, events: int, per_second: float) -> Load:
    """Spread sockets and events over libraries, the same each time."""
    random = Random(_SEED)
    names = [f"L{number}" for number in range(1, libraries + 1)]
    sizes = [number**-_SKEW for number in range(1, libraries + 1)]
    looks_at = random.choices(names, sizes, k=sockets)
    return Load(looks_at, random.choices(names, sizes, k=events), per_second)


def _report(figures: Mapping[str, Figures], turns: SteadyTurns, absent: Mapping[str, str]) -> Report:
    ours = figures[OURS]
    peers = {name: of_peer for name, of_peer in figures.items() if name != OURS}
    ratios = {name: ours.ratio_to(of_peer) for name, of_peer in peers.items()}
    load, wrong = turns.load, turns.wrongs
    return Report(
        name="fanout-mixed",
        ours=round(ours.median, 2),
        peers={name: round(of_peer.median, 2) for name, of_peer in peers.items()},
        ratio={name: round(ratio, 2) for name, ratio in ratios.items()},
        unit="ms at p99",
        rounds=len(ours.values),
        more=turns.told(figures)
        | {
            "libraries": len({*load.looks_at}),
            "socketsOfTheBiggest": max(Counter(load.looks_at).values()),
        },
        absent=absent,
        failures=missed(
            [
                (not wrong, f"each socket gets each event once, in order: {len(wrong)} did not; {wrong[:1]}"),
                *(
                    (ratio <= MOST_RATIO, f"at most {MOST_RATIO:g} × {name}: {ratio:.2f}")
                    for name, ratio in ratios.items()
                ),
            ]
        ),
    )


BENCHMARK = Benchmark(
    "fanout-mixed",
    f"{SOCKETS:,} sockets over {LIBRARIES} rooms, {EVENTS_PER_SECOND} events/s: event until socket",
    measure,
)
