"""run.json, and the lock of a home."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from studyspot.embedded.errors import HomeInUse, StartFailed
from studyspot.embedded.runfile import ServiceEntry, locked_home, read_run_file, write_run_file
from studyspot.settings import Settings

HOLDER = """
import sys
from pathlib import Path
from studyspot.embedded.runfile import locked_home
with locked_home(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_it_can_be_read_by_its_owner_alone_also_after_it_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "run.json").chmod(0o644)
    write_run_file(tmp_path, settings={}, services={})
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_what_up_wrote_is_what_a_command_reads(tmp_path: Path) -> None:
    relay = ServiceEntry(nats_url="nats://relay:secret@127.0.0.1:20001", metrics_port=20002)
    written = write_run_file(
        tmp_path, settings={"api_port": 8000}, services={"relay": relay}, postgres_data=tmp_path / "data"
    )
    read = read_run_file(tmp_path)
    assert read == written
    assert read is not None
    assert read.services["relay"] == relay
    assert read.is_running()


def test_its_settings_are_the_defaults_of_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STUDYSPOT_DATABASE_URL", raising=False)
    url = "postgresql://studyspot:secret@127.0.0.1:20003/studyspot"
    write_run_file(tmp_path, settings={"database_url": url}, services={})
    assert Settings(home=tmp_path).database_url == url


def test_a_home_where_nothing_has_run_has_none(tmp_path: Path) -> None:
    assert read_run_file(tmp_path) is None


def test_a_damaged_one_is_told_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"pid": ')
    with pytest.raises(StartFailed, match="Remove it"):
        read_run_file(tmp_path)


def test_a_second_up_on_the_same_home_is_refused_in_one_line_that_names_the_first(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(HomeInUse) as refused, locked_home(tmp_path):
            pass
        assert str(holder.pid) in str(refused.value)
        assert "\n" not in str(refused.value)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with locked_home(tmp_path):  # A killed holder holds nothing.
            pass


def test_a_home_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartFailed) as told, locked_home(tmp_path / "file" / "home"):
        pass
    assert "\n" not in str(told.value)
