"""What a fan-out node tells Prometheus.

Counts are brought per batch or turn, never per socket and event. Gauges are set now and then by whoever looks
at the node, and not asked for at the scrape: with several workers another process answers it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

ReplaySource = Literal["window", "stream"]

# Close together around the targets: half within 5 ms, 99 of 100 within 25 ms.
_LATENCY_SECONDS = (
    *(0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05),
    *(0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A node at one moment.

    Attributes:
        sockets: those that have connected, and those that have yet to, by the protocol that they speak.
        rooms: those that somebody is in.
        behind: sockets that are being served from the log, as they read too slowly.
        unsent_bytes: what was written and the operating system has not taken yet, over all sockets.
        head: the last position that the node has.
        lag_events: how many the stream has beyond it, as far as is known.
        stale_seconds: for how long the stream has been silent; 0 while it is heard.
        window_events: how many events are in memory.
    """

    sockets: Mapping[str, int]
    rooms: int
    behind: int
    unsent_bytes: int
    head: int
    lag_events: int
    stale_seconds: float
    window_events: int


class FanoutMetrics:
    """The metrics of one node, on a registry of the process's choice."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sockets = Gauge(
            "studyspot_fanout_sockets",
            "Open sockets, also those that have yet to connect, by what they speak",
            ["protocol"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._rooms = Gauge(
            "studyspot_fanout_rooms",
            "Rooms with somebody in them; one in two workers counts twice",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._behind_now = Gauge(
            "studyspot_fanout_sockets_behind",
            "Sockets now served from the log, as they read too slowly",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._unsent = Gauge(
            "studyspot_fanout_unsent_bytes",
            "Bytes written that the operating system has not taken yet",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._head = Gauge(
            "studyspot_fanout_head",
            "Last position that the node has; of several workers, the hindmost's",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._lag = Gauge(
            "studyspot_fanout_lag_events",
            "Events that the stream has and the node has not",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._stale = Gauge(
            "studyspot_fanout_stale_seconds",
            "How long the stream has been silent",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._window = Gauge(
            "studyspot_fanout_window_events",
            "Events in memory, from which sockets resume; of several workers, the least",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._joins = Counter(
            "studyspot_fanout_joins",
            "Rooms asked for, by the refusal's code, or `joined`",
            ["outcome"],
            registry=registry,
        )
        self._deliveries = Counter(
            "studyspot_fanout_deliveries", "Event frames written to sockets", registry=registry
        )
        self._bytes = Counter(
            "studyspot_fanout_delivered_bytes", "Bytes of event frames written to sockets", registry=registry
        )
        self._behind = Counter(
            "studyspot_fanout_behind",
            "Times that a socket read too slowly and was left to the log",
            registry=registry,
        )
        self._conflated = Counter(
            "studyspot_fanout_conflated_frames",
            "Event frames that a newer one of the same occupation replaced",
            registry=registry,
        )
        self._replays = Counter(
            "studyspot_fanout_replays",
            "Replays brought to their end: from the window alone, or from the stream as well",
            ["source"],
            registry=registry,
        )
        self._broker_reads = Counter(
            "studyspot_fanout_broker_reads",
            "Ranges of the stream read beside the live events",
            registry=registry,
        )
        self._closes = Counter(
            "studyspot_fanout_closes",
            "Sockets closed, by the code they ended with",
            ["code"],
            registry=registry,
        )
        self._errors = Counter(
            "studyspot_fanout_errors", "Error frames sent, by their code", ["code"], registry=registry
        )
        self._refused = Counter(
            "studyspot_fanout_refused_connects",
            "Connections refused before they were sockets, by cause",
            ["cause"],
            registry=registry,
        )
        self._latency = Histogram(
            "studyspot_fanout_commit_to_socket_seconds",
            "From an event's own time, when its command decided, to the first write of it to a socket",
            registry=registry,
            buckets=_LATENCY_SECONDS,
        )

    def delivered(self, frames: int, written_bytes: int) -> None:
        """Count event frames written to sockets: once a turn, for all sockets together."""
        if frames:
            self._deliveries.inc(frames)
            self._bytes.inc(written_bytes)

    def conflated(self, frames: int) -> None:
        """Count frames that newer ones have replaced: once a turn, for all sockets together."""
        if frames:
            self._conflated.inc(frames)

    def fell_behind(self) -> None:
        self._behind.inc()

    def replayed(self, source: ReplaySource) -> None:
        """Count a lane that has been brought what it missed: once, however many turns it took."""
        self._replays.labels(source).inc()

    def read_broker(self) -> None:
        """Count a range of the stream that is read, for however many lanes."""
        self._broker_reads.inc()

    def joined(self, outcome: str) -> None:
        """Count a room that was asked for: `joined`, or the code of the refusal."""
        self._joins.labels(outcome).inc()

    def closed(self, code: int | None) -> None:
        """Count a socket that has ended with this code, or with one that means nothing here."""
        self._closes.labels("other" if code is None else str(code)).inc()

    def sent_error(self, code: str) -> None:
        self._errors.labels(code).inc()

    def refused(self, cause: str) -> None:
        self._refused.labels(cause).inc()

    def first_written(self, seconds: float) -> None:
        """Record how old an event was when the first socket that gets it was written: once for each event."""
        self._latency.observe(max(0.0, seconds))

    def look(self, sample: Sample) -> None:
        """Set the gauges."""
        for protocol, sockets in sample.sockets.items():
            self._sockets.labels(protocol).set(sockets)
        self._rooms.set(sample.rooms)
        self._behind_now.set(sample.behind)
        self._unsent.set(sample.unsent_bytes)
        self._head.set(sample.head)
        self._lag.set(sample.lag_events)
        self._stale.set(sample.stale_seconds)
        self._window.set(sample.window_events)
