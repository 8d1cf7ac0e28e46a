"""Bring a database's schema up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import structlog

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

SCHEMA = "migrations"
# Any number that no other use of advisory locks in this database takes: "StudySpt" in ASCII.
_LOCK = int.from_bytes(b"StudySpt")
_LOCK_TIMEOUT_SECONDS = 60
_CONNECT_TIMEOUT_SECONDS = 5

log = structlog.get_logger()


def upgrade(database_url: str) -> None:
    """Create or upgrade every schema; safe to repeat, and to run from several processes at once.

    Raises:
        psycopg.OperationalError: the database does not answer, or another upgrade holds it for a minute.
    """
    from alembic import command

    with _locked(database_url), _connected(database_url) as connection:
        before = _current(connection)
        command.upgrade(_config(connection), "head")
        after = _current(connection)
    if before != after:
        log.info("database migrated", before=before, after=after)


def current_revision(database_url: str) -> str | None:
    """Return the revision that the database is at, or None for one that was never migrated."""
    with _connected(database_url) as connection:
        return _current(connection)


def pending(database_url: str) -> bool:
    """Tell whether migrations that this release carries are missing from the database.

    Every process asks at its start, so it is answered without the half second that Alembic takes to load.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    newest = max(file.name.partition("_")[0] for file in (Path(__file__).parent / "versions").glob("[0-9]*"))
    with psycopg.connect(database_url, connect_timeout=_CONNECT_TIMEOUT_SECONDS) as connection:
        try:
            rows = connection.execute("SELECT version_num FROM migrations.alembic_version").fetchall()
        except psycopg.errors.UndefinedTable:
            return True
    return rows != [(newest,)]


def _current(connection: "Connection") -> str | None:
    from alembic.runtime.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision()


def _config(connection: "Connection") -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _locked(database_url: str) -> Iterator[None]:
    with psycopg.connect(
        database_url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_SECONDS
    ) as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{_LOCK_TIMEOUT_SECONDS}s"])
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        yield


@contextmanager
def _connected(database_url: str) -> Iterator["Connection"]:
    from sqlalchemy import NullPool, create_engine

    # psycopg itself reads the URL, so that every libpq parameter in it counts.
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(database_url, connect_timeout=_CONNECT_TIMEOUT_SECONDS),
        poolclass=NullPool,
    )
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
