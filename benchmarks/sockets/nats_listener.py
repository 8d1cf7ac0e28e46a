"""The peer NATS: the WebSocket listener of its own server, and a publisher beside it."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nats

from benchmarks.sockets.dialects import NatsListener
from benchmarks.sockets.events import room_of
from benchmarks.sockets.processes import accepts, running
from studyspot.embedded.ports import LOOPBACK, free_port

NAME = "nats"
_PUBLISH_SECONDS = 60.0


class NatsServer:
    """A server with a listener for browsers at `port`."""

    dialect = NatsListener()

    def __init__(self, pid: int, port: int, url: str, events: Sequence[bytes]) -> None:
        self.pid = pid
        self.port = port
        self._url = url
        self._events = events
        self._room = ""
        self._count = 0

    def prepare(self, library: str, count: int) -> Sequence[bytes]:
        """Return what subscribers of the library's room should get next: always the first so many."""
        self._room, self._count = room_of(library), count
        return self._events[:count]

    def publish(self) -> None:
        """Publish what was prepared, as fast as the server takes it."""
        asyncio.run(self._publish())

    async def _publish(self) -> None:
        connection = await nats.connect(self._url)
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                for event in self._events[: self._count]:
                    await connection.publish(self._room, event)
                await connection.flush(int(_PUBLISH_SECONDS))
        finally:
            await connection.close()


@contextmanager
def nats_listener(events: Sequence[bytes]) -> Iterator[NatsServer]:
    """Run the server on free ports."""
    port, client_port = free_port(), free_port()
    home = Path(tempfile.mkdtemp(prefix="studyspot-benchmark-"))
    configuration = home / "nats.conf"
    configuration.write_text(
        f'listen: "{LOOPBACK}:{client_port}"\n'
        f'websocket {{ listen: "{LOOPBACK}:{port}", no_tls: true, compression: false }}\n'
    )
    try:
        with running(
            [str(Path(sys.executable).with_name("nats-server")), "--config", str(configuration)],
            is_ready=lambda: accepts(port),
            log=home / "nats.log",
        ) as process:
            yield NatsServer(process.pid, port, f"nats://{LOOPBACK}:{client_port}", events)
    finally:
        shutil.rmtree(home, ignore_errors=True)
