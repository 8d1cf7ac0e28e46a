"""A node of the fan-out that forgets soon and keeps little for slow readers: python -m tests.chaos.crowd.node

It reads the settings of `studyspot fanout` from the environment. What takes hours elsewhere happens to its
sockets all the time: they are behind, resume from the stream, and hear a heartbeat.
"""

from datetime import timedelta

from studyspot.console.installation import begin, nats_url, verifier
from studyspot.ws_fanout.app import FanoutConfig, serve
from studyspot.ws_fanout.limits import Limits

CRAMPED = Limits(
    heartbeat_every=timedelta(seconds=2),
    pong_within=timedelta(seconds=15),
    stalled_for=timedelta(seconds=3),
    unsent_bytes=4 * 1024,
    window_events=60,
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
    serve(config, metrics_port=None)


if __name__ == "__main__":
    main()
