"""What a worker tells Prometheus."""

from datetime import UTC, datetime

from prometheus_client import Gauge, Histogram

_position = Gauge("studyspot_projection_position", "Position of the last event applied", ["projection"])
_lag = Histogram(
    "studyspot_projection_lag_seconds",
    "Time from an event to its rows, for the last event of each batch",
    ["projection"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
_stopped = Gauge(
    "studyspot_projection_stopped", "Whether the projection waits for an operator", ["projection"]
)


def observe(projection: str, position: int, time: datetime | None) -> None:
    """Record that events up to `position` are applied, the last one that changed rows being of `time`."""
    _position.labels(projection).set(position)
    if time is not None:
        _lag.labels(projection).observe(max(0.0, (datetime.now(UTC) - time).total_seconds()))


def observe_stop(projection: str, *, stopped: bool) -> None:
    _stopped.labels(projection).set(stopped)
