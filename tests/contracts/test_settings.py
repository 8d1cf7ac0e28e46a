"""Settings: each is documented, and a bad value is refused by the name of its variable."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from studyspot.console.faults import told_plainly
from studyspot.settings import GivenSettings, Settings
from tests.contracts.project import ROOT, written_files

VARIABLE = re.compile(r"STUDYSPOT_[A-Z]+(?:_[A-Z]+)*")
VARIABLES = {f"STUDYSPOT_{name.upper()}" for name in Settings.model_fields}
ROWS = {
    cells[1].strip(" `"): cells[3].strip()
    for line in (ROOT / "docs/settings.md").read_text().splitlines()
    if len(cells := line.split("|")) > 4 and "STUDYSPOT_" in line
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env`, no installation and no variables but those that a test sets."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("STUDYSPOT_")]:
        monkeypatch.delenv(name)


def test_each_setting_is_in_the_table_with_its_meaning() -> None:
    assert ROWS.keys() == VARIABLES
    assert [name for name, meaning in ROWS.items() if not meaning] == []


def test_no_text_names_a_variable_that_does_not_exist() -> None:
    unknown = {
        (str(path.relative_to(ROOT)), name)
        for path in written_files()
        for name in VARIABLE.findall(path.read_text(errors="replace"))
        if name not in VARIABLES
    }
    assert unknown == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STUDYSPOT_API_PORT", "eight thousand"),
        ("STUDYSPOT_FANOUT_PORT", "65536"),
        ("STUDYSPOT_METRICS_PORT", "-1"),
        ("STUDYSPOT_LOG_LEVEL", "loud"),
        ("STUDYSPOT_LOG_FORMAT", "xml"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as end, told_plainly():
        Settings()
    assert end.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"studyspot: {name} is not valid: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STUDYSPOT_DATABASE_URL", "secret"),
        ("STUDYSPOT_DATABASE_URL", "postgresql://u:secret pw@host/%zz"),
        ("STUDYSPOT_DATABASE_URL", "postgresql://u:sec/secret@host/x"),
        ("STUDYSPOT_DATABASE_URL", "postgresql://u:s@secret@host/x"),
        ("STUDYSPOT_DATABASE_URL", "postgresql://u:secret@host:99999/x"),
        ("STUDYSPOT_NATS_URL", "nats://u:secret@host:99999"),
        ("STUDYSPOT_NATS_URL", "nats://u:secret@[::1"),
        ("STUDYSPOT_NATS_URL", "nats://u:s/secret@host"),
        ("STUDYSPOT_NATS_URL", "nats://u:s@secret@host"),
        ("STUDYSPOT_NATS_URL", "nats://u:secret@host,"),
        ("STUDYSPOT_NATS_URL", ","),
        ("STUDYSPOT_NATS_URL", "http://host"),
        ("STUDYSPOT_NATS_URL", "wss://u:secret@host"),
    ],
)
def test_a_url_that_is_none_is_refused_without_its_password(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit), told_plainly():
        Settings()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"studyspot: {name} is not valid: it has to be like ")
    assert "secret" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "postgresql://u:p%40w@[::1]:5432/studyspot"),
        ("database_url", "postgresql://u:p@a:5432,b:5433/studyspot?target_session_attrs=read-write"),
        ("database_url", "postgresql:///studyspot?host=/run/postgresql"),
        ("nats_url", "nats://u:p@host:4222"),
        ("nats_url", "nats://u:p@a:4222, tls://u:p@[::1]"),
        ("nats_url", "host:4222"),
    ],
)
def test_urls_that_the_drivers_understand_are_taken(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"STUDYSPOT_{name.upper()}", value)
    assert getattr(Settings(), name) == value


@pytest.mark.parametrize(
    "content", [b"", b'{"settings"', b"[]", b"{}", b'{"settings": []}', b"\xff", None], ids=repr
)
def test_a_damaged_run_file_is_one_line_that_names_it(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_file = tmp_path / "run.json"
    if content is None:
        run_file.mkdir()
    else:
        run_file.write_bytes(content)
    with pytest.raises(SystemExit) as end, told_plainly():
        Settings(home=tmp_path)
    assert end.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"studyspot: {run_file} ")
    assert "studyspot up" in line


def test_an_env_file_that_is_not_utf_8_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_bytes(b"STUDYSPOT_TOKEN_ISSUER=caf\xe9")
    with pytest.raises(SystemExit) as end, told_plainly():
        Settings()
    assert end.value.code == 1
    assert capsys.readouterr().err == "studyspot: The file .env is not UTF-8. Save it as UTF-8.\n"


def test_an_empty_variable_is_as_if_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    settings = Settings()
    assert {name: getattr(settings, name) for name in Settings.model_fields} == {
        name: field.default for name, field in Settings.model_fields.items()
    }


def test_settings_that_are_given_come_from_the_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("STUDYSPOT_DATABASE_URL=postgresql://u:p@host/x")
    (tmp_path / ".studyspot").mkdir()
    (tmp_path / ".studyspot/run.json").write_text('{"settings": {"signing_key": "signing.pem"}}')
    monkeypatch.setenv("STUDYSPOT_API_PORT", "81")
    everything, given = Settings(), GivenSettings()
    assert (everything.database_url, everything.signing_key) == (
        "postgresql://u:p@host/x",
        Path("signing.pem"),
    )
    assert (given.api_port, given.database_url, given.signing_key) == (81, None, None)


@pytest.mark.parametrize("command", ["up", "relay", "migrate"])
def test_a_command_says_so_without_a_traceback(command: str, tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "studyspot", command],
        cwd=tmp_path,
        env=os.environ | {"STUDYSPOT_API_PORT": "banana"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith("studyspot: STUDYSPOT_API_PORT is not valid: ")
    assert list(tmp_path.iterdir()) == []
