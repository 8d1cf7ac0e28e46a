"""PostgreSQL for a benchmark: the embedded one, as `studyspot up` runs it, on a temporary home."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from studyspot.embedded.postgres import EmbeddedPostgres


@contextmanager
def temporary_postgres() -> Iterator[EmbeddedPostgres]:
    """Run a server with an empty data directory, and remove both at the end."""
    home = Path(tempfile.mkdtemp(prefix="studyspot-benchmark-"))
    # PostgreSQL runs as an unprivileged user when we are root, and must be able to pass.
    home.chmod(0o711)
    engine = EmbeddedPostgres(home)
    try:
        engine.start()
        yield engine
    finally:
        engine.remove()
        shutil.rmtree(home, ignore_errors=True)


def create_database(engine: EmbeddedPostgres, name: str) -> str:
    """Create an empty database and return its URL."""
    with psycopg.connect(engine.database_url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return engine.database_url().rpartition("/")[0] + "/" + name
