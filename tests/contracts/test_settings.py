"""Settings: each is documented, and a bad value is refused by the name of its variable."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from studyspot.console.faults import told_plainly
from studyspot.settings import Settings
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
