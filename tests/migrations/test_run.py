"""Migrations: safe to repeat, to run from several processes, and cheap to ask about."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from studyspot.migrations.run import current_revision, pending, upgrade
from tests.engines import PostgresServer


def test_an_empty_database_is_migrated_once_whoever_asks(postgres_server: PostgresServer) -> None:
    with postgres_server.empty_database() as url:
        assert pending(url)
        assert current_revision(url) is None
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(upgrade, [url] * 3))
        assert not pending(url)
        before = current_revision(url)
        upgrade(url)
        assert current_revision(url) == before is not None


def test_a_database_of_another_release_is_pending(postgres_server: PostgresServer) -> None:
    with postgres_server.migrated_database() as url:
        assert not pending(url)
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE migrations.alembic_version SET version_num = '0000'")
        assert pending(url)


def test_a_database_that_is_away_is_told(postgres_server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError):
        pending("postgresql://127.0.0.1:9/none")


def test_asking_does_not_load_alembic() -> None:
    script = "import sys, studyspot.migrations.run; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
