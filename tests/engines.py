"""The real PostgreSQL and NATS for tests: one of each per test worker, begun when first asked for."""

import asyncio
import itertools
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import nats
import psycopg
from nats.js.errors import NotFoundError
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from studyspot.embedded.nats import EmbeddedNats, NatsUrls
from studyspot.embedded.postgres import EmbeddedPostgres
from studyspot.embedded.waiting import wait_until
from tests.freezing import freeze, thaw

TEMPLATE = "studyspot_template"
END_LIMIT = timedelta(seconds=30)


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home that PostgreSQL's unprivileged user can reach, and that is removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="studyspot-"))
    home.chmod(0o711)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


class PostgresServer:
    """A PostgreSQL server with databases that live as long as a test module."""

    def __init__(self, home: Path) -> None:
        self.engine = EmbeddedPostgres(home)
        self._numbers = itertools.count(1)
        self._has_template = False
        self._has_quick_logins = False

    def url_of(self, database: str) -> str:
        return self.engine.database_url().rpartition("/")[0] + "/" + database

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """The URL of a new database without any table, dropped at the end."""
        with self._database("template1") as url:
            yield url

    @contextmanager
    def migrated_database(self) -> Iterator[str]:
        """The URL of a new database with StudySpot's tables, dropped at the end."""
        self._ensure_template()
        with self._database(TEMPLATE) as url:
            yield url

    @contextmanager
    def copied_database(self, url: str) -> Iterator[str]:
        """The URL of a copy of a database that nobody is connected to, dropped at the end."""
        with self._database(url.rpartition("/")[2]) as copy:
            yield copy

    def kill(self) -> None:
        """Kill the server, and what serves its connections, as a crash of the machine would."""
        pid = self.engine.pid
        assert pid is not None
        freeze(pid)  # First, so that it has no more children.
        # Left alone, they would notice later, and meanwhile finish what they were asked.
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(pid, signal.SIGKILL)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        assert wait_until(lambda: not self.engine.is_running(), END_LIMIT)

    def restart(self) -> None:
        """Start it again after `kill` or `engine.stop()`, on the same port and data."""
        self.engine.start()

    def _ensure_quick_logins(self) -> None:
        """Have a login take no time: a password by chance needs no protection by many hashes."""
        if self._has_quick_logins:
            return
        given = conninfo_to_dict(self.engine.database_url())
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        with psycopg.connect(self.engine.superuser_url()) as connection:
            connection.execute("SET scram_iterations = 1")
            connection.execute(
                statement.format(sql.Identifier(str(given["user"])), sql.Literal(given["password"]))
            )
        self._has_quick_logins = True

    def _ensure_template(self) -> None:
        if self._has_template:
            return
        from studyspot.migrations.run import upgrade

        self._execute("CREATE DATABASE {}", TEMPLATE)
        upgrade(self.url_of(TEMPLATE))
        self._has_template = True

    @contextmanager
    def _database(self, template: str) -> Iterator[str]:
        self._ensure_quick_logins()
        name = f"test_{next(self._numbers)}_{secrets.token_hex(4)}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield self.url_of(name)
        finally:
            self.engine.start()  # A test may have killed it.
            # Only a superuser may end whatever is at work in it, such as the server's own cleaning.
            self._execute("DROP DATABASE {} WITH (FORCE)", name, url=self.engine.superuser_url())

    def _execute(self, statement: str, *names: str, url: str | None = None) -> None:
        with psycopg.connect(url or self.engine.database_url(), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


class NatsServer:
    """A NATS server that tests may kill, freeze and start again, always on the same port."""

    def __init__(self, home: Path) -> None:
        self.engine = EmbeddedNats(home)

    @property
    def urls(self) -> NatsUrls:
        return self.engine.urls()

    def kill(self) -> None:
        """Kill the server as a crash of the machine would."""
        assert self.engine.pid is not None
        os.kill(self.engine.pid, signal.SIGKILL)
        assert wait_until(lambda: not self.engine.is_running(), END_LIMIT)

    def freeze(self) -> None:
        """Make the server fall silent with its connections open, until `thaw`."""
        assert self.engine.pid is not None
        freeze(self.engine.pid)

    def thaw(self) -> None:
        assert self.engine.pid is not None
        thaw(self.engine.pid)

    def stop(self) -> None:
        self.engine.stop()

    def restart(self) -> None:
        """Start it again after `kill` or `stop`, on the same port and data."""
        self.engine.start()

    async def clean(self) -> None:
        """Bring the server up if a test left it down, and delete every stream and bucket."""
        self.engine.start()
        connection = await nats.connect(self.urls.admin, connect_timeout=10, max_reconnect_attempts=5)
        try:
            streams = connection.jetstream()
            async with asyncio.timeout(END_LIMIT.total_seconds()):
                # Until the server itself lists none: the next test relies on it.
                while left := await streams.streams_info():
                    for stream in left:
                        with suppress(NotFoundError):
                            await streams.delete_stream(str(stream.config.name))
        finally:
            await connection.close()
