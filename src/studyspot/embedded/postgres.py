"""PostgreSQL 18 as an own child, on a free port of the loopback address."""

import signal
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import structlog
from psycopg import sql

from studyspot.embedded.errors import DiskFull, StartFailed
from studyspot.embedded.identity import processes_in
from studyspot.embedded.ports import LOOPBACK, free_port
from studyspot.embedded.postgres_binaries import postgres_programs
from studyspot.embedded.postgres_cluster import (
    ENVIRONMENT,
    SUPERUSER,
    Cluster,
    open_cluster,
    remove_cluster,
)
from studyspot.embedded.processes import Child, ChildCommand, StopStep, spawn, stop_process, tail
from studyspot.embedded.system_user import SystemUser, unprivileged_user
from studyspot.embedded.waiting import wait_until

log = structlog.get_logger()

DATABASE = "studyspot"
ROLE = "studyspot"
# Recovery after a crash replays the write-ahead log before anyone may connect.
READY_LIMIT = timedelta(seconds=60)
CONNECT_LIMIT_SECONDS = 2
PORT_ATTEMPTS = 3
FAST_THEN_IMMEDIATE = (
    StopStep(signal.SIGINT, timedelta(seconds=10)),
    StopStep(signal.SIGQUIT, timedelta(seconds=5)),
)
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",  # Every query of StudySpot is short.
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class EmbeddedPostgres:
    """The database server of one home; it keeps its port from the first start on."""

    name = "postgres"

    def __init__(self, home: Path) -> None:
        self._home = home.absolute()
        self._port: int | None = None
        self._cluster: Cluster | None = None
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The server's process, or None when it has not been started or was stopped."""
        return self._child.pid if self._child else None

    def is_running(self) -> bool:
        return self._child is not None and self._child.exit_code() is None

    def data_directory(self) -> Path:
        """Where the data lie: under the home, or under /var/lib/studyspot if their user cannot reach it."""
        return self._opened().data

    def database_url(self) -> str:
        """The URL of StudySpot's database, as a role that owns it, may create others, and is no superuser."""
        return self._url(ROLE, self._opened().password, DATABASE)

    def superuser_url(self) -> str:
        """The URL for an administrator (restore, terminate backends, inspect)."""
        return self._url(SUPERUSER, self._opened().superuser_password, "postgres")

    def start(self) -> str:
        """Start the server, or leave it be if it runs, and return `database_url()` once it answers.

        An earlier run's server on the same data is stopped first; data are made at the first start.

        Raises:
            EngineMissing: the `embedded` extra is not installed.
            DiskFull: there is no room.
            StartFailed: it ended, or did not answer within `READY_LIMIT`.
        """
        if self.is_running():
            return self.database_url()
        self._home.mkdir(parents=True, exist_ok=True)
        user = unprivileged_user()
        programs = postgres_programs(user)
        self._cluster = open_cluster(self._home, programs, user)
        _stop_orphans(self._cluster.data)
        self._launch(programs, self._cluster, user)
        self._ensure_database()
        log.info("postgres started", port=self._port, pid=self.pid)
        return self.database_url()

    def stop(self) -> None:
        """Stop the server: connections are ended and the data written out; with a limit, then at once."""
        if self._child is not None:
            self._child.stop()
            self._child = None
            log.info("postgres stopped")

    def remove(self) -> None:
        """Stop the server and delete its data for ever, wherever they lie."""
        self.stop()
        remove_cluster(self._home)

    def _opened(self) -> Cluster:
        if self._cluster is None:
            raise StartFailed("PostgreSQL has not been started.", "Start it first.")
        return self._cluster

    def _url(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self._port}/{database}"

    def _launch(self, programs: Path, cluster: Cluster, user: SystemUser | None) -> None:
        attempts = 1 if self._port else PORT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            port = self._port or free_port()
            command = self._command(programs, cluster, user, port)
            self._child = spawn(command)
            try:
                self._wait_ready(command.log, port)
            except StartFailed as failure:
                self.stop()
                if attempt == attempts or "could not bind" not in failure.what:
                    raise
            else:
                self._port = port
                return

    def _command(self, programs: Path, cluster: Cluster, user: SystemUser | None, port: int) -> ChildCommand:
        settings = SETTINGS | {"port": str(port)}
        return ChildCommand(
            name=self.name,
            argv=(
                str(programs / "postgres"),
                "-D",
                str(cluster.data),
                *(f"--{key}={value}" for key, value in settings.items()),
            ),
            environment=ENVIRONMENT,
            directory=Path(cluster.place),
            log=self._home / "logs" / "postgres.log",
            record=self._home / "run" / "postgres.json",
            user=user,
            stop_steps=FAST_THEN_IMMEDIATE,
        )

    def _wait_ready(self, log_file: Path, port: int) -> None:
        url = f"postgresql://{SUPERUSER}:{self._opened().superuser_password}@{LOOPBACK}:{port}/postgres"
        refusals: list[str] = []

        def answers_or_ended() -> bool:
            if not self.is_running():
                return True
            try:
                psycopg.connect(url, connect_timeout=CONNECT_LIMIT_SECONDS).close()
            except psycopg.OperationalError as error:
                refusals.append(str(error).strip())
                return False
            return True

        in_time = wait_until(answers_or_ended, READY_LIMIT)
        if in_time and self.is_running():
            return
        said = tail(log_file)
        if "No space left" in said:
            raise DiskFull(
                "The disk of PostgreSQL's data is full.", f"Free some space at {self.data_directory()}."
            )
        if in_time:
            raise StartFailed(f"PostgreSQL ended at its start: {said}.", f"See {log_file}.")
        last = refusals[-1] if refusals else said
        raise StartFailed(
            f"PostgreSQL did not answer within {READY_LIMIT.total_seconds():.0f} s: {last}.",
            f"See {log_file}.",
        )

    def _ensure_database(self) -> None:
        with psycopg.connect(self.superuser_url(), autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchall():
                statement = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
                connection.execute(
                    statement.format(sql.Identifier(ROLE), sql.Literal(self._opened().password))
                )
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchall():
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))


def _stop_orphans(data: Path) -> None:
    """Stop a server that an earlier run left on `data`, also when that run left no record of it."""
    pid_file = data / "postmaster.pid"
    postmaster = pid_file.read_text().split("\n", 1)[0] if pid_file.exists() else ""
    # The server before its own children, which end with it.
    for process in sorted(processes_in(data), key=lambda process: str(process.pid) != postmaster):
        stop_process(process, FAST_THEN_IMMEDIATE)
    if sys.platform == "linux" and not processes_in(data):
        # Its pid may by now mean another process of the same user, and PostgreSQL would then refuse to start.
        pid_file.unlink(missing_ok=True)
