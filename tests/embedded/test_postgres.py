"""PostgreSQL as an own child."""

import psycopg

from tests.engines import PostgresServer


def test_it_answers_as_version_18_with_fsync(postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.engine.database_url()) as connection:
        version = connection.execute("SHOW server_version_num").fetchone()
        fsync = connection.execute("SHOW fsync").fetchone()
    assert version is not None
    assert version[0].startswith("18")
    assert fsync == ("on",)


def test_a_module_gets_a_database_of_its_own(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)
