"""The peer nchan: nginx with Debian's module, from packages that are unpacked and not installed."""

import http.client
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.sockets.cache import PeerMissing, do, installed
from benchmarks.sockets.dialects import Plain
from benchmarks.sockets.processes import accepts, running
from studyspot.embedded.ports import LOOPBACK, free_port

NAME = "nchan"
_PACKAGES = ("nginx", "libnginx-mod-nchan")
_STATE = Path("/var/lib/nginx")
_ANSWER_SECONDS = 30.0
_CONFIGURATION = """
load_module {packages}/usr/lib/nginx/modules/ngx_nchan_module.so;
worker_processes 1;
daemon off;
{user}
pid {home}/nginx.pid;
error_log {home}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{
  access_log off;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  keepalive_requests 1000000;
  keepalive_timeout 1h;
  nchan_shared_memory_size 128M;
  server {{
    listen {address}:{port} backlog=4096;
    location /subscribe {{
      nchan_subscriber websocket;
      nchan_channel_id library;
      nchan_message_buffer_length 4000;
      nchan_subscriber_first_message newest;
    }}
    location /publish {{
      nchan_publisher http;
      nchan_channel_id library;
      nchan_message_buffer_length 4000;
    }}
  }}
}}
"""


class NchanServer:
    """One worker of nginx; it has one channel, which is the library's room."""

    dialect = Plain(path="/subscribe")

    def __init__(self, pid: int, port: int, events: Sequence[bytes]) -> None:
        self.pid = pid
        self.port = port
        self._events = events
        self._count = 0
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_SECONDS)

    def prepare(self, library: str, count: int) -> Sequence[bytes]:
        """Return what subscribers should get next: always the first so many."""
        self._count = count
        return self._events[:count]

    def publish(self) -> None:
        """Publish what was prepared, each when the one before was taken."""
        self.send(0, self._count)

    def prepare_of(self, libraries: Sequence[str]) -> Sequence[bytes]:
        """Return what is shown of the next events, all of the one library: always the first so many."""
        return self._events[: len(libraries)]

    def send(self, first: int, end: int) -> None:
        """Publish those of these numbers, each when the one before was taken."""
        for event in self._events[first:end]:
            self._connection.request("POST", "/publish", body=event)
            answer = self._connection.getresponse()
            answer.read()
            if answer.status not in (200, 201, 202):
                raise ConnectionError(f"nchan answered {answer.status}")

    def close(self) -> None:
        """Publish nothing more."""
        self._connection.close()


@contextmanager
def nchan(events: Sequence[bytes]) -> Iterator[NchanServer]:
    """Run nginx on a free port.

    Raises:
        PeerMissing: Debian's packages cannot be had, or cannot be run here.
    """
    packages = installed("nchan", _install)
    with _state_directory():
        yield from _run(packages, events)


def _run(packages: Path, events: Sequence[bytes]) -> Iterator[NchanServer]:
    home = Path(tempfile.mkdtemp(prefix="studyspot-benchmark-"))
    port = free_port()
    configuration = home / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            packages=packages,
            home=home,
            address=LOOPBACK,
            port=port,
            user="user root;" if os.geteuid() == 0 else "",
        )
    )
    try:
        with (
            running(
                [str(packages / "usr" / "sbin" / "nginx"), "-c", str(configuration), "-p", str(home)],
                is_ready=lambda: accepts(port),
                log=home / "nginx.log",
            ) as process,
            closing(NchanServer(process.pid, port, events)) as server,
        ):
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _state_directory() -> Iterator[None]:
    """Have the directory that Debian's module wants whatever its configuration says.

    Raises:
        PeerMissing: there is none, and we may not make it.
    """
    if _STATE.exists():
        yield
        return
    try:
        _STATE.mkdir()
    except OSError as error:
        raise PeerMissing(f"nchan needs {_STATE}: {error}") from error
    try:
        yield
    finally:
        shutil.rmtree(_STATE, ignore_errors=True)


def _install(folder: Path) -> None:
    do(["apt-get", "download", *_PACKAGES], folder)
    for package in folder.glob("*.deb"):
        do(["dpkg", "--extract", str(package), str(folder)], folder)
