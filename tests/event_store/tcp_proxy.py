"""A TCP proxy before PostgreSQL that loses one batch's answer, in each of the ways a network can."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from threading import Event, Thread
from urllib.parse import urlsplit

CHUNK_BYTES = 1 << 20
LIMIT_SECONDS = 30.0
# What only a batch sends: the type of the events that the tests append. It follows the locking of the head.
BATCH = b"booking.created"


class Loss(Enum):
    """What happens to the next batch that the proxy sees."""

    BEFORE_THE_SERVER = auto()  # The server never sees it.
    AFTER_THE_COMMIT = auto()  # The server commits; its answer is lost.
    WHILE_IT_WAITS = auto()  # The server has it all, but the client is cut off before it has run.
    HALF_WAY = auto()  # The server has the beginning, locks the head, and waits for the rest.
    ON_THE_WAY = auto()  # The client is cut off; the server gets it with `deliver`, or never.


@dataclass
class _Link:
    client: socket.socket
    server: socket.socket
    ended: Event = field(default_factory=Event)

    def close(self) -> None:
        for end in (self.client, self.server):
            end.close()


class TcpProxy:
    """Listens on a free port and forwards to the database of `database_url`."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        own = f"{parts.username}:{parts.password}@127.0.0.1:{self._listener.getsockname()[1]}"
        self.database_url = parts._replace(netloc=own).geturl()
        self._loss: Loss | None = None
        self._links: list[_Link] = []
        self._threads: list[Thread] = []
        self.refusing = False
        self.refused = 0
        self._kept: tuple[_Link, bytes] | None = None
        self.lost = Event()
        self._start(self._accept)

    def __enter__(self) -> "TcpProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for link in self._links:
            link.close()
        for thread in self._threads:
            thread.join(LIMIT_SECONDS)

    def cut(self) -> None:
        """End every connection."""
        for link in self._links:
            _end(link.client)
            _end(link.server)

    def lose_next_batch(self, loss: Loss) -> None:
        """Lose the answer to the next batch; `lost` is set once it has happened."""
        self._loss = loss

    def deliver(self) -> None:
        """Let the server have the batch that was lost on the way, and return when it has dealt with it."""
        assert self._kept
        link, chunk = self._kept
        _send(link.server, chunk)
        link.server.shutdown(socket.SHUT_WR)
        assert link.ended.wait(LIMIT_SECONDS)

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        thread = Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # The test is over.
            if self.refusing:
                self.refused += 1
                client.close()
                continue
            link = _Link(client, socket.create_connection(self._target))
            self._links.append(link)
            self._start(self._forward_to_server, link)
            self._start(self._forward_to_client, link)

    def _forward_to_server(self, link: _Link) -> None:
        while chunk := _receive(link.client):
            if self._loss and BATCH in chunk:
                loss, self._loss = self._loss, None
                self._lose(loss, link, chunk)
                return
            if not _send(link.server, chunk):
                break
        _end(link.server)

    def _lose(self, loss: Loss, link: _Link, chunk: bytes) -> None:
        if loss is Loss.BEFORE_THE_SERVER:
            _end(link.client)
            _end(link.server)
        elif loss is Loss.AFTER_THE_COMMIT:
            _end(link.client)
            _send(link.server, chunk)
        elif loss is Loss.WHILE_IT_WAITS:
            _send(link.server, chunk)
            _end(link.client)
        elif loss is Loss.ON_THE_WAY:
            self._kept = (link, chunk)
            _end(link.client)
        else:
            _send(link.server, chunk[: chunk.index(BATCH)])
        self.lost.set()

    def _forward_to_client(self, link: _Link) -> None:
        while chunk := _receive(link.server):
            # What the client can no longer hear is read all the same, so that the server can finish.
            _send(link.client, chunk)
        link.ended.set()
        _end(link.client)


def _receive(end: socket.socket) -> bytes:
    try:
        return end.recv(CHUNK_BYTES)
    except OSError:
        return b""


def _send(end: socket.socket, chunk: bytes) -> bool:
    try:
        end.sendall(chunk)
    except OSError:
        return False
    return True


def _end(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # Ended already.
