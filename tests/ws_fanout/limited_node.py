"""A fan-out by the settings of `studyspot fanout`, with limits of a test's own."""

from studyspot.console.installation import begin, nats_url, verifier
from studyspot.ws_fanout.app import FanoutConfig, serve
from studyspot.ws_fanout.limits import Limits


def serve_within(limits: Limits) -> None:
    """Serve until SIGTERM, as the environment says."""
    settings = begin(environment_only=True)
    config = FanoutConfig(
        nats_url=nats_url(settings),
        verifier=verifier(settings),
        host=settings.fanout_host,
        port=settings.fanout_port,
        limits=limits,
    )
    serve(config, metrics_port=settings.metrics_port)
