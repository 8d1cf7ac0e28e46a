"""A node of the fan-out that forgets soon and keeps little for slow readers: python -m tests.chaos.crowd.node

It reads the settings of `studyspot fanout` from the environment. What takes hours elsewhere happens to its
sockets all the time: they are behind, resume from the stream, and hear a heartbeat.
"""

from datetime import timedelta

from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.limited_node import serve_within

CRAMPED = Limits(
    heartbeat_every=timedelta(seconds=2),
    pong_within=timedelta(seconds=15),
    stalled_for=timedelta(seconds=6),
    unsent_bytes=4 * 1024,
    window_events=60,
)

if __name__ == "__main__":
    serve_within(CRAMPED)
