"""nginx and Caddy, told by us, bring HTTP to the API and sockets to the fan-out, at one port."""

import asyncio
import json
import re
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from studyspot.embedded.errors import StartFailed
from studyspot.embedded.ports import free_port
from studyspot.embedded.proxy import InstalledProxy, Kind, installed_proxy, proxy_child
from studyspot.embedded.supervisor import Supervisor, supervised
from studyspot.wire.problems import MEDIA_TYPE, UNAVAILABLE
from studyspot.ws_fanout.addresses import Proxies
from studyspot.ws_fanout.limits import Limits
from tests.contracts.project import ROOT
from tests.embedded.proxies import a_proxy
from tests.engines import temporary_home

LIMIT = 60


class Api(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = [[name.lower(), value] for name, value in self.headers.items()]
        told = json.dumps({"path": self.path, "headers": headers, "bytes": len(body)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_GET  # noqa: N815  The library's name.

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  The library's name.
        """Say nothing."""


@asynccontextmanager
async def fanout(port: int) -> AsyncIterator[None]:
    """A server of sockets that tells what it was asked, and then repeats what it is told."""

    async def converse(connection: ServerConnection) -> None:
        assert connection.request is not None
        headers = [[name.lower(), value] for name, value in connection.request.headers.raw_items()]
        await connection.send(json.dumps({"path": connection.request.path, "headers": headers}))
        async for message in connection:
            await connection.send(message)

    async with serve(converse, "127.0.0.1", port):
        yield


@dataclass(frozen=True, slots=True)
class Origin:
    """A proxy before both."""

    authority: str
    fanout_port: int
    supervisor: Supervisor

    def url(self, path: str) -> str:
        return f"http://{self.authority}{path}"

    def socket(self, path: str) -> str:
        return f"ws://{self.authority}{path}"


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


@pytest.fixture
def api_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join(LIMIT)


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest) -> InstalledProxy:
    return a_proxy(request.param)


@pytest.fixture
async def origin(proxy: InstalledProxy, home: Path, api_port: int) -> AsyncIterator[Origin]:
    port, fanout_port = free_port(), free_port()
    child = proxy_child(
        proxy, home, port=port, api=f"127.0.0.1:{api_port}", fanout=f"127.0.0.1:{fanout_port}"
    )
    async with supervised(home, [], [child]) as supervisor:
        yield Origin(f"127.0.0.1:{port}", fanout_port, supervisor)


def header(told: dict[str, list[list[str]]], name: str) -> list[str]:
    return [value for key, value in told["headers"] if key == name]


async def test_the_api_is_asked_as_the_client_asked(origin: Origin) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        told = (await client.get(origin.url("/api/libraries?q=a%20b"))).json()
        assert told["path"] == "/api/libraries?q=a%20b"
        assert header(told, "host") == [origin.authority]
        assert header(told, "x-forwarded-proto") == ["http"]
        assert header(told, "x-forwarded-for") == ["127.0.0.1"]
        for path in ("/", "/wsx", "/ws/x", "/socket.iox", "/socket-io/", "/docs"):
            assert (await client.get(origin.url(path))).json()["path"] == path


async def test_whose_address_it_is_says_the_proxy_and_not_the_client(origin: Origin) -> None:
    forged = {"X-Forwarded-For": "203.0.113.7, 198.51.100.9"}
    async with httpx.AsyncClient(trust_env=False) as client:
        told = (await client.get(origin.url("/api/me"), headers=forged)).json()
    async with fanout(origin.fanout_port), connect(origin.socket("/ws"), additional_headers=forged) as socket:
        told_by_socket = json.loads(await socket.recv())
    for forwarded in (header(told, "x-forwarded-for"), header(told_by_socket, "x-forwarded-for")):
        assert forwarded == ["127.0.0.1"]
        # Which is this machine's, and not counted.
        assert Proxies(["127.0.0.1"]).client_of("127.0.0.1", forwarded) is None


async def test_a_body_that_the_api_refuses_reaches_it(origin: Origin) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        told = (await client.post(origin.url("/api/libraries"), content=b"x" * 900_000)).json()
    assert told["bytes"] == 900_000


@pytest.mark.parametrize(
    "path",
    [
        *("/ws", "/ws?a=1", "/socket.io/?EIO=4&transport=websocket", "/socket.io/"),
        # A client may be told to leave the last slash out.
        "/socket.io?EIO=4&transport=websocket",
    ],
)
async def test_a_socket_reaches_the_fanout(origin: Origin, path: str) -> None:
    page = f"http://{origin.authority}"
    async with (
        fanout(origin.fanout_port),
        asyncio.timeout(LIMIT),
        connect(origin.socket(path), origin=page) as socket,  # type: ignore[arg-type]  # A NewType.
    ):
        told = json.loads(await socket.recv())
        assert told["path"] == path
        assert (header(told, "host"), header(told, "origin")) == ([origin.authority], [page])
        for message in ("one", "x" * 8000, "last"):
            await socket.send(message)
            assert await socket.recv() == message


async def test_who_polls_reaches_the_fanout_too_and_is_answered_by_it(origin: Origin) -> None:
    async with fanout(origin.fanout_port), httpx.AsyncClient(trust_env=False) as client:
        for path in ("/socket.io/", "/socket.io"):
            answer = await client.get(origin.url(f"{path}?EIO=4&transport=polling"))
            assert answer.status_code == 426


async def test_while_the_fanout_is_away_clients_are_told_to_come_again_and_then_they_can(
    origin: Origin,
) -> None:
    for _ in range(2):
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(origin.url("/ws"))
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, MEDIA_TYPE)
        assert int(answer.headers["Retry-After"]) >= 1
        assert (answer.json()["type"], answer.json()["title"]) == (UNAVAILABLE.type, UNAVAILABLE.title)
        async with (
            fanout(origin.fanout_port),
            asyncio.timeout(LIMIT),
            connect(origin.socket("/ws")) as socket,
        ):
            assert json.loads(await socket.recv())["path"] == "/ws"


async def test_more_sockets_are_open_at_once_than_nginx_has_of_itself(origin: Origin) -> None:
    async with fanout(origin.fanout_port), asyncio.timeout(LIMIT):
        sockets = await asyncio.gather(
            *(connect(origin.socket("/ws"), open_timeout=LIMIT) for _ in range(300))
        )
        try:
            told = await asyncio.gather(*(socket.recv() for socket in sockets))
        finally:
            await asyncio.gather(*(socket.close() for socket in sockets))
    assert len(told) == 300


def test_no_timeout_of_a_proxy_ends_a_socket_that_is_quiet_between_two_pings() -> None:
    quiet = Limits().heartbeat_every.total_seconds()
    site = (ROOT / "deploy/nginx/studyspot.conf").read_text()
    sockets = re.search(r"location ~ \^/\(ws\|socket[^ ]+\$ \{(.*?)\n    \}", site, re.S)
    assert sockets is not None
    limits = dict(re.findall(r"(proxy_(?:read|send)_timeout) (\d+)s;", sockets[1]))
    assert limits.keys() == {"proxy_read_timeout", "proxy_send_timeout"}
    assert all(int(seconds) >= 2 * quiet for seconds in limits.values())
    told = subprocess.run(
        [
            *(a_proxy("caddy").program, "adapt", "--adapter", "caddyfile"),
            *("--config", ROOT / "deploy/caddy/Caddyfile"),
        ],
        capture_output=True,
        check=True,
        timeout=LIMIT,
    ).stdout.decode()
    # Caddy has no limit for them unless it is told one.
    assert set(re.findall(r'"(\w*timeout\w*)"', told)) == {"dial_timeout"}


def test_caddy_takes_the_file_that_operators_begin_with(home: Path) -> None:
    caddy = a_proxy("caddy").program
    config = ROOT / "deploy/caddy/Caddyfile"
    done = subprocess.run(
        [caddy, "validate", "--adapter", "caddyfile", "--config", config],
        env={"HOME": str(home)},
        capture_output=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_nginx_takes_the_file_that_operators_begin_with(home: Path) -> None:
    site = (ROOT / "deploy/nginx/studyspot.conf").read_text()
    # Whoever runs the tests may not have that port.
    (home / "site.conf").write_text(site.replace("listen 80;", f"listen 127.0.0.1:{free_port()};"))
    folders = "".join(f"{name}_temp_path {name};" for name in ("client_body", "proxy", "fastcgi"))
    folders += "".join(f"{name}_temp_path {name};" for name in ("uwsgi", "scgi"))
    (home / "nginx.conf").write_text(
        f"pid nginx.pid; events {{}} http {{ {folders} access_log off; include site.conf; }}"
    )
    done = subprocess.run(
        [a_proxy("nginx").program, "-t", "-p", home, "-c", home / "nginx.conf"],
        capture_output=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr.decode()


def a_program(folder: Path, name: str, script: str = "exit 0") -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_of_several_that_are_installed_the_one_asked_for_is_taken(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home / "bin"))
    for name in ("nginx", "caddy"):
        a_program(home / "bin", name)
    assert installed_proxy() == InstalledProxy("caddy", home / "bin/caddy")
    assert installed_proxy(("nginx",)) == InstalledProxy("nginx", home / "bin/nginx")


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_a_proxy_that_does_not_take_its_files_is_told_with_what_it_said(home: Path, kind: Kind) -> None:
    a_program(home / "bin", kind, "echo it is too old; exit 1")
    broken = InstalledProxy(kind, home / "bin" / kind)
    with pytest.raises(StartFailed, match="too old"):
        proxy_child(broken, home, port=free_port(), api="127.0.0.1:1", fanout="127.0.0.1:2")
