"""Our own fan-out as it is shipped: `studyspot fanout` at a NATS server, and a publisher as the relay is."""

import json
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.sockets.dialects import StudySpot
from benchmarks.sockets.events import Happening, bookings
from benchmarks.sockets.processes import running
from benchmarks.sockets.stream import EPOCH, Stream, stream_at
from studyspot.access.keys import SigningKey
from studyspot.embedded.nats import EmbeddedNats
from studyspot.embedded.ports import LOOPBACK, free_port

ISSUER = AUDIENCE = "studyspot"
_TOKEN_LIFETIME = timedelta(hours=1)
_LOOK_SECONDS = 1.0


class StudySpotNode:
    """A node, and the stream that it follows.

    Attributes:
        pid: the process that holds the sockets.
        stream: what it follows.
        position: of the newest event.
    """

    dialect = StudySpot()

    def __init__(self, pid: int, port: int, stream: Stream) -> None:
        self.pid = pid
        self.port = port
        self.stream = stream
        self.position = 0
        self._prepared: Sequence[Happening] = ()

    def bookings(self, libraries: Sequence[str], count: int) -> Sequence[Happening]:
        """Return events that could be next, of one library after the other."""
        return bookings(libraries, after=self.position, count=count, epoch=EPOCH, seed=self.position + 1)

    def prepare(self, library: str, count: int) -> Sequence[bytes]:
        """Make events of a library; return what sockets in its room should get."""
        return self.prepare_of([library] * count)

    def prepare_of(self, libraries: Sequence[str]) -> Sequence[bytes]:
        """Make the next events, one of each of these libraries; return what is shown of them."""
        self._prepared = self.bookings(libraries, len(libraries))
        return [happening.shown for happening in self._prepared]

    def publish(self) -> None:
        """Publish what was prepared, as fast as the stream takes it."""
        self.stream.publish(self._prepared)
        self.position += len(self._prepared)

    def send(self, first: int, end: int) -> None:
        """Let those of these numbers happen: they are published as soon as the relay would."""
        self.stream.hand_over(self._prepared[first:end])
        self.position += end - first


def tokens(key: SigningKey, count: int) -> Sequence[str]:
    """Return a token for each of so many students."""
    now = datetime.now(UTC)
    return [
        key.sign(
            user_id=f"student-{number}",
            role="student",
            issuer=ISSUER,
            audience=AUDIENCE,
            now=now,
            lifetime=_TOKEN_LIFETIME,
        )
        for number in range(count)
    ]


@contextmanager
def studyspot_node(key: SigningKey) -> Iterator[StudySpotNode]:
    """Run NATS and a node that trusts the key, on free ports, and remove all of it at the end."""
    home = Path(tempfile.mkdtemp(prefix="studyspot-benchmark-"))
    engine = EmbeddedNats(home)
    port, metrics_port = free_port(), free_port()
    keys = home / "keys.json"
    keys.write_text(json.dumps(key.jwks()))
    try:
        urls = engine.start()
        with (
            stream_at(urls.admin) as stream,
            running(
                [sys.executable, "-m", "studyspot", "fanout", "--environment-only"],
                is_ready=lambda: _is_ready(metrics_port),
                log=home / "fanout.log",
                environment={name: value for name, value in os.environ.items() if name[:10] != "STUDYSPOT_"}
                | {
                    "STUDYSPOT_HOME": str(home),
                    "STUDYSPOT_NATS_URL": urls.fanout,
                    "STUDYSPOT_JWKS": str(keys),
                    "STUDYSPOT_FANOUT_PORT": str(port),
                    "STUDYSPOT_METRICS_PORT": str(metrics_port),
                    "STUDYSPOT_LOG_LEVEL": "warning",
                },
            ) as process,
        ):
            yield StudySpotNode(process.pid, port, stream)
    finally:
        engine.stop()
        shutil.rmtree(home, ignore_errors=True)


def _is_ready(metrics_port: int) -> bool:
    try:
        with urllib.request.urlopen(
            f"http://{LOOPBACK}:{metrics_port}/ready", timeout=_LOOK_SECONDS
        ) as answer:
            ready: bool = answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
    return ready
