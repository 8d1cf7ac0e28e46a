"""PostgreSQL 18 as an own child, on a free port of the loopback address."""

import signal
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from studyspot.embedded.errors import StartFailed, cannot_write
from studyspot.embedded.identity import processes_in
from studyspot.embedded.ports import LOOPBACK
from studyspot.embedded.postgres_binaries import SYSTEM_STATE, postgres_programs
from studyspot.embedded.postgres_cluster import (
    ENVIRONMENT,
    SUPERUSER,
    Cluster,
    make_data,
    open_cluster,
    remove_cluster,
)
from studyspot.embedded.processes import ChildCommand, StopStep, stop_process
from studyspot.embedded.server import LoopbackServer
from studyspot.embedded.system_user import SystemUser, unprivileged_user

DATABASE = "studyspot"
ROLE = "studyspot"
# After a crash the server replays its write-ahead log before anyone may connect.
READY_LIMIT = timedelta(seconds=60)
CONNECT_LIMIT_SECONDS = 2
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

    def __init__(self, home: Path, system_state: Path = SYSTEM_STATE) -> None:
        self._home = home.absolute()
        self._system_state = system_state
        self._cluster: Cluster | None = None
        self._user: SystemUser | None = None
        self._programs = Path()
        self._server = LoopbackServer("PostgreSQL", self._prepare, self._command, self._answers, READY_LIMIT)

    @property
    def pid(self) -> int | None:
        """The server's process, or None when it has not been started or was stopped."""
        return self._server.pid

    def is_running(self) -> bool:
        """Say whether the server's process runs, ready or not."""
        return self._server.is_running()

    def data_directory(self) -> Path:
        """Where the data lie: under the home, or under /var/lib/studyspot if their user cannot reach it."""
        return self._opened().data

    def database_url(self) -> str:
        """The URL of StudySpot's database, as a role that owns it, may create others, and is no superuser."""
        return self._url(ROLE, self._opened().password, DATABASE, self._server.port)

    def superuser_url(self) -> str:
        """The URL for an administrator (restore, terminate backends, inspect)."""
        return self._superuser_url(self._server.port)

    def start(self) -> str:
        """Start the server, or leave it be if it runs, and return `database_url()` once it answers.

        An earlier run's server on the same data is stopped first; data are made at the first start.

        Raises:
            EngineMissing: the `embedded` extra is not installed.
            DiskFull: there is no room.
            StartFailed: it ended, or did not answer within `READY_LIMIT`.
        """
        if not self.is_running():
            self._server.start()
            try:
                self._ensure_database()
            except BaseException:
                self.stop()
                raise
        return self.database_url()

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
        """Stop the server: connections are ended and the data written out; with a limit, then at once."""
        self._server.stop()

    def remove(self) -> None:
        """Stop the server and delete its data for ever, wherever they lie."""
        self.stop()
        remove_cluster(self._home)

    def _prepare(self) -> None:
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            user = unprivileged_user()
            cluster = open_cluster(self._home, user, self._system_state)
            self._user = cluster.owner(user)
            self._programs = postgres_programs(self._user, self._system_state)
            self._cluster = make_data(self._home, cluster, self._programs, self._user)
            _stop_orphans(self._cluster.data)
        except OSError as error:
            raise cannot_write(self._home, error) from error

    def _opened(self) -> Cluster:
        if self._cluster is None:
            raise StartFailed("PostgreSQL has not been started.", "Start it first.")
        return self._cluster

    def _url(self, role: str, password: str, database: str, port: int | None) -> str:
        return f"postgresql://{role}:{password}@{LOOPBACK}:{port}/{database}"

    def _superuser_url(self, port: int | None) -> str:
        return self._url(SUPERUSER, self._opened().superuser_password, "postgres", port)

    def _command(self, port: int) -> ChildCommand:
        cluster = self._opened()
        settings = SETTINGS | {"port": str(port)}
        return ChildCommand(
            name=self.name,
            argv=(
                str(self._programs / "postgres"),
                "-D",
                str(cluster.data),
                *(f"--{key}={value}" for key, value in settings.items()),
            ),
            environment=ENVIRONMENT,
            directory=Path(cluster.place),
            log=self._home / "logs" / "postgres.log",
            record=self._home / "run" / "postgres.json",
            user=self._user,
            stop_steps=FAST_THEN_IMMEDIATE,
        )

    def _answers(self, port: int) -> bool:
        try:
            psycopg.connect(self._superuser_url(port), connect_timeout=CONNECT_LIMIT_SECONDS).close()
        except psycopg.OperationalError:
            return False
        return True

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
    # The server before its own children: they end with it, though a moment later when it was killed.
    for process in sorted(processes_in(data), key=lambda process: str(process.pid) != postmaster):
        stop_process(process, FAST_THEN_IMMEDIATE)
    if sys.platform == "linux" and not processes_in(data):
        # Its pid may by now mean another process of the same user, and PostgreSQL would then refuse to start.
        pid_file.unlink(missing_ok=True)
