"""The schemas of the last release: compared by whoever asks, replaced only by a release."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from studyspot.catalogue.schemas import schemas
from studyspot.console.faults import Fault
from studyspot.console.released_schemas import KEPT, check, keep, read_released
from tests.contracts.project import ROOT

NAME = "studyspot.seat.added.v1"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that keeps today's schemas as those of release 1.0.0."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "deploy").mkdir()
    keep(tmp_path, "1.0.0", schemas())
    return tmp_path


def changed() -> dict[str, dict[str, Any]]:
    """Today's schemas, with a seat's zone gone."""
    today = schemas()
    del today[NAME]["properties"]["data"]["properties"]["zone"]
    return today


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "studyspot.console.released_schemas", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


def test_what_was_kept_agrees_with_itself(project: Path) -> None:
    assert read_released(project).release == "1.0.0"
    check(project, schemas())


def test_a_changed_event_is_told_with_field_rule_and_mend(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Fault, match=r"not what 1\.0\.0 shipped: 1\..*evolving-events\.md"):
        check(project, changed())
    assert capsys.readouterr().err == (
        f"{NAME}: data.zone is gone (field-removed): consumers look for it."
        " Leave v1 as it was shipped, and make the change in v2.\n"
    )


def test_a_release_that_changes_a_shipped_event_is_not_kept(project: Path) -> None:
    before = (project / KEPT).read_bytes()
    with pytest.raises(Fault):
        keep(project, "1.1.0", changed())
    assert (project / KEPT).read_bytes() == before


def test_a_release_is_kept_once(project: Path) -> None:
    with pytest.raises(Fault, match="next version first"):
        keep(project, "1.0.0", schemas())


def test_what_a_release_adds_is_shipped_from_then_on(project: Path) -> None:
    added = schemas() | {"studyspot.seat.added.v2": changed()[NAME]}
    keep(project, "1.1.0", added)
    assert read_released(project).release == "1.1.0"
    with pytest.raises(Fault):
        check(project, schemas())


@pytest.mark.parametrize(
    "content", ["", "[]", '{"release": "1.0.0"}', '{"release": "1.0.0", "schemas": [1]}']
)
def test_a_file_that_holds_no_schemas_is_told(project: Path, content: str) -> None:
    (project / KEPT).write_text(content)
    with pytest.raises(Fault, match="does not hold schemas"):
        read_released(project)


def test_the_command_compares_and_writes_nothing(project: Path) -> None:
    before = (project / KEPT).read_bytes()
    compared = run("--root", str(project))
    assert (compared.returncode, compared.stdout, compared.stderr) == (0, "", "")
    assert (project / KEPT).read_bytes() == before


def test_the_command_fails_where_an_event_is_not_as_it_was_shipped(project: Path) -> None:
    shipped = json.loads((project / KEPT).read_text())
    shipped["schemas"][NAME]["properties"]["data"]["properties"]["zone"]["format"] = "email"
    (project / KEPT).write_text(json.dumps(shipped))
    compared = run("--root", str(project))
    assert compared.returncode == 1
    assert "data.zone has format none" in compared.stderr
    assert "Traceback" not in compared.stderr


def test_the_command_keeps_a_release_when_told(project: Path) -> None:
    assert run("--root", str(project), "--keep").returncode == 0
    assert read_released(project).release == version("studyspot")


def test_a_folder_without_them_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    compared = run("--root", str(tmp_path))
    assert compared.returncode == 1
    assert compared.stderr == f"studyspot: {KEPT} is missing. Take it from version control.\n"


def test_make_check_compares_and_no_target_but_a_release_keeps() -> None:
    def recipe(target: str) -> str:
        command = ["make", "--dry-run", target]
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=True
        ).stdout

    assert "studyspot.console.released_schemas\n" in recipe("check")
    for target in ("check", "documents", "test"):
        assert "--keep" not in recipe(target)
    assert "studyspot.console.released_schemas --keep" in recipe("released")
