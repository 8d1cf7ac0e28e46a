"""What a worker tells Prometheus, and keeps of its newest events."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from prometheus_client import Gauge, Histogram

from studyspot.projections.recent_lag import LagWindow

_position = Gauge("studyspot_projection_position", "Position of the last event applied", ["projection"])
_behind = Gauge("studyspot_projection_lag_events", "Events of the log not yet applied", ["projection"])
_lag = Histogram(
    "studyspot_projection_lag_seconds",
    "Time from an event's own time, when its command decided, until its rows can be read",
    ["projection"],
    # Close together around the target: 99 of 100 within 100 ms.
    buckets=(
        *(0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1),
        *(0.125, 0.15, 0.2, 0.25, 0.5, 1, 2.5, 5, 10, 60),
    ),
)
_stopped = Gauge(
    "studyspot_projection_stopped", "Whether the projection waits for an operator", ["projection"]
)
_parked = Gauge(
    "studyspot_projection_parked", "Events set aside because one cannot be applied", ["projection"]
)
_windows: dict[str, LagWindow] = {}


def observe(projection: str, position: int, *times: datetime | None) -> None:
    """Record that events up to `position` are applied, those that changed rows being of `times`."""
    _position.labels(projection).set(position)
    now = datetime.now(UTC)
    lags = [max(0.0, (now - at).total_seconds()) for at in times if at is not None]
    histogram = _lag.labels(projection)
    for lag in lags:
        histogram.observe(lag)
    _windows.setdefault(projection, LagWindow()).add(lags, time.monotonic())


def observe_behind(projection: str, events: Callable[[], int]) -> None:
    """Ask `events` how many are not applied, whenever somebody wants to know."""
    _behind.labels(projection).set_function(events)


def observe_stop(projection: str, *, stopped: bool) -> None:
    _stopped.labels(projection).set(stopped)


def observe_parked(projection: str, events: int) -> None:
    _parked.labels(projection).set(events)


def recent_lags() -> Mapping[str, LagWindow]:
    """Return the newest lags of each projection that this process has kept up."""
    return dict(_windows)
