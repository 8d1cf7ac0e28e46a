"""The peer NATS: the WebSocket listener of its own server, and a publisher beside it."""

import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.sockets.dialects import NatsListener
from benchmarks.sockets.events import room_of
from benchmarks.sockets.processes import accepts, running
from studyspot.embedded.ports import LOOPBACK, free_port

NAME = "nats"
_PUBLISH_SECONDS = 60.0
_ANSWER_BYTES = 64 * 1024


class NatsServer:
    """A server with a listener for browsers at `port`."""

    dialect = NatsListener()

    def __init__(self, pid: int, port: int, client_port: int, events: Sequence[bytes]) -> None:
        self.pid = pid
        self.port = port
        self._client_port = client_port
        self._events = events
        self._room = ""
        self._prepared: Sequence[bytes] = ()

    def prepare(self, library: str, count: int) -> Sequence[bytes]:
        """Return what subscribers of the library's room should get next: always the first so many."""
        self._room, self._prepared = room_of(library), self._events[:count]
        return self._prepared

    def publish(self) -> None:
        """Publish what was prepared, as fast as the server takes it."""
        subject = self._room.encode()
        messages = [b"PUB %b %d\r\n%b\r\n" % (subject, len(event), event) for event in self._prepared]
        with socket.create_connection((LOOPBACK, self._client_port), _PUBLISH_SECONDS) as connection:
            connection.sendall(b"".join([b'CONNECT {"verbose":false}\r\n', *messages, b"PING\r\n"]))
            answer = b""
            # It is answered when every message has been taken; closing before would cut some off.
            while b"PONG" not in answer:
                received = connection.recv(_ANSWER_BYTES)
                if not received:
                    raise ConnectionError(f"NATS closed the publisher: {answer[-200:].decode()}")
                answer += received


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
            yield NatsServer(process.pid, port, client_port, events)
    finally:
        shutil.rmtree(home, ignore_errors=True)
