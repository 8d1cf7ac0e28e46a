"""A fan-out that forgets soon and keeps little for slow readers: `python -m tests.fuzz.cramped_node`.

It reads the settings of `studyspot fanout`; what takes hours there is seen here within seconds.
"""

from datetime import timedelta

from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.limited_node import serve_within

CRAMPED = Limits(
    connect_within=timedelta(seconds=2),
    heartbeat_every=timedelta(seconds=2),
    unsent_bytes=8 * 1024,
    window_events=100,
)

if __name__ == "__main__":
    serve_within(CRAMPED)
