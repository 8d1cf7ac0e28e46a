"""The relay's metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class RelayMetrics:
    """What Prometheus is told of the relay."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lag = Gauge(
            "studyspot_relay_lag_events", "Events in the store that the stream lacks", registry=registry
        )
        self.published = Counter(
            "studyspot_relay_published_events", "Events published by this process", registry=registry
        )
        self.bootstrap_lag = Gauge(
            "studyspot_relay_bootstrap_lag_events",
            "Events in the stream that the bootstrap bucket has yet to take in",
            registry=registry,
        )
        self.halted = Gauge(
            "studyspot_relay_halted", "1 while store and stream contradict each other", registry=registry
        )
