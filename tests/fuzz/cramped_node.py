"""A fan-out that forgets soon and keeps little for slow readers: `python -m tests.fuzz.cramped_node`.

It reads the settings of `studyspot fanout`; what takes hours there is seen here within seconds.
"""

from datetime import timedelta

from studyspot.console.installation import begin, nats_url, verifier
from studyspot.ws_fanout.app import FanoutConfig, serve
from studyspot.ws_fanout.limits import Limits

CRAMPED = Limits(
    connect_within=timedelta(seconds=2),
    heartbeat_every=timedelta(seconds=2),
    unsent_bytes=8 * 1024,
    window_events=100,
)


def main() -> None:
    settings = begin(environment_only=True)
    config = FanoutConfig(
        nats_url=nats_url(settings),
        verifier=verifier(settings),
        host=settings.fanout_host,
        port=settings.fanout_port,
        limits=CRAMPED,
    )
    serve(config, metrics_port=settings.metrics_port)


if __name__ == "__main__":
    main()
