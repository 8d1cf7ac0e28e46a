"""A storm: 5 000 sockets are cut off at once while events go on, and come back to where each of them was.

They come back as the contract's clients do: within half a second, as many at once as there are, and later
again if they are refused. Counted is the time from the cut until the last one has caught up. Each socket
looks at one of a hundred libraries, and must have every event of it once and in order over both of its
connections. How often the node read the broker is what NATS itself tells of consumers that were made
on the stream. A database cannot be read: the node's process is given none.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from benchmarks.frame import Benchmark, Figures, Report, missed
from benchmarks.sockets.crowd import Crowd, crowd
from benchmarks.sockets.events import Happening, room_of
from benchmarks.sockets.stream import EPOCH
from benchmarks.sockets.studyspot_node import StudySpotNode, studyspot_node, tokens
from studyspot.access.keys import SigningKey

SOCKETS = 5_000
LIBRARIES = 100
EVENTS_PER_SECOND = 100
ROUNDS = 3
MOST_SECONDS = 10.0
MOST_READS = 1
_COME_BACK_WITHIN_SECONDS = 0.5
_CALM_SECONDS = 1.0
_LIMIT_SECONDS = 60.0
_BUFFER_BYTES = 32 * 1024

log = structlog.get_logger()


@dataclass
class Storms:
    """Storms over one node.

    Attributes:
        seconds: from the cut until all had caught up, in each storm.
        medians: until half of them had.
        reads: how often the broker was read during each.
        refused: how often a socket was told to come later.
        wrongs: each socket that has not every event once, in order.
    """

    node: StudySpotNode
    crowd: Crowd
    tokens: Sequence[str]
    libraries: Sequence[str]
    rate: float
    seconds: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    refused: int = 0
    wrongs: list[str] = field(default_factory=list)

    def storm(self) -> None:
        """Open the sockets, cut them off, let them come back, and check what they have."""
        node = self.node
        began_at = node.position
        rooms = [[room_of(self._library(number))] for number in range(len(self.tokens))]
        self.crowd.open(
            node.dialect,
            node.port,
            [node.dialect.opening(*one) for one in zip(self.tokens, rooms, strict=True)],
            most_bytes=_BUFFER_BYTES,
            limit=_LIMIT_SECONDS,
        )
        reads = node.stream.reads
        happenings = node.bookings(self.libraries, round(self.rate * 2 * _LIMIT_SECONDS))
        with node.stream.publishing(happenings, per_second=self.rate):
            time.sleep(_CALM_SECONDS)
            cut = self.crowd.drop(keep=True)
            self._come_back(rooms, began_at)
            time.sleep(_CALM_SECONDS)
        node.position += node.stream.published
        happened = [*happenings[: node.stream.published], *self._end()]
        self.reads.append(node.stream.reads - reads)
        caught_up = sorted(moment - cut for moment in self.crowd.ready_at())
        self.seconds.append(caught_up[-1])
        self.medians.append(statistics.median(caught_up))
        self.wrongs += self._wrongs(happened)
        self.crowd.drop()
        log.info("storm", seconds=round(caught_up[-1], 2), events=len(happened), reads=self.reads[-1])

    def _come_back(self, rooms: Sequence[Sequence[str]], began_at: int) -> None:
        dialect = self.node.dialect
        newest = self.crowd.newest(b'"position":', b",")
        steps = [
            dialect.resuming(token, of_one, {"epoch": EPOCH, "position": int(position or began_at)})
            for token, of_one, position in zip(self.tokens, rooms, newest, strict=True)
        ]
        opened = self.crowd.open(
            dialect,
            self.node.port,
            steps,
            at_once=len(steps),
            within=_COME_BACK_WITHIN_SECONDS,
            most_bytes=_BUFFER_BYTES,
            limit=_LIMIT_SECONDS,
        )
        self.refused += opened.refused

    def _end(self) -> Sequence[Happening]:
        """Publish a last event of every library, and wait until each socket has its own."""
        last = self.node.bookings(self.libraries, len(self.libraries))
        self.crowd.expect(*(b'"position":%d,' % happening.message.position for happening in last))
        self.node.stream.publish(last)
        self.node.position += len(last)
        self.crowd.wait(limit=_LIMIT_SECONDS)
        return last

    def _wrongs(self, happened: Sequence[Happening]) -> Sequence[str]:
        by_room: dict[str, list[bytes]] = {room_of(library): [] for library in self.libraries}
        for happening in happened:
            by_room[happening.room].append(happening.shown)
        return self.crowd.wrongs(self.node.dialect, *by_room.values())

    def _library(self, number: int) -> str:
        return self.libraries[number % len(self.libraries)]


def measure(
    *,
    sockets: int = SOCKETS,
    libraries: int = LIBRARIES,
    rate: float = EVENTS_PER_SECOND,
    rounds: int = ROUNDS,
) -> Report:
    """Let so many storms pass over a node."""
    key = SigningKey.generate()
    names = [f"L{number}" for number in range(min(libraries, sockets))]
    with crowd() as people, studyspot_node(key) as node:
        storms = Storms(node, people, tokens(key, sockets), names, rate)
        for _ in range(rounds):
            storms.storm()
    seconds = Figures(tuple(storms.seconds))
    wrong, worst, reads = storms.wrongs, max(storms.seconds), max(storms.reads)
    return Report(
        name="reconnect-storm",
        ours=round(seconds.median, 2),
        peers={},
        ratio={},
        unit="s until all have caught up",
        rounds=rounds,
        more={
            "sockets": sockets,
            "eventsPerSecond": rate,
            "seconds": [round(one, 2) for one in storms.seconds],
            "medianSocketSeconds": [round(one, 2) for one in storms.medians],
            "brokerReads": storms.reads,
            "databaseReads": 0,
            "cameAgain": storms.refused,
        },
        failures=missed(
            [
                (not wrong, f"each socket has each event once, in order: {len(wrong)} do not; {wrong[:1]}"),
                (worst <= MOST_SECONDS, f"all have caught up within {MOST_SECONDS:g} s: {worst:.1f}"),
                (reads <= MOST_READS, f"the broker is read {MOST_READS} time at most: {reads}"),
            ]
        ),
    )


BENCHMARK = Benchmark(
    "reconnect-storm", f"{SOCKETS:,} sockets cut off at once, until all have caught up", measure
)
