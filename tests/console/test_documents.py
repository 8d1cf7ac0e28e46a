"""Generated documents: what is committed is what the code says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studyspot.console.documents import COMMAND, documents, run, stale_documents, write_documents
from studyspot.console.faults import Fault

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder whose documents are all up to date."""
    (tmp_path / "pyproject.toml").touch()
    write_documents(tmp_path)
    assert stale_documents(tmp_path) == ()
    return tmp_path


def run_alone(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own: nothing that is written may depend on which one it is."""
    command = [sys.executable, "-m", "studyspot.console.documents", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


def test_the_committed_documents_are_up_to_date() -> None:
    assert stale_documents(ROOT) == (), f"run `{COMMAND}`"


@pytest.mark.parametrize(
    "path", ["deploy/asyncapi.json", "deploy/openapi.json", "docs/problems.md", "docs/settings.md"]
)
def test_a_document_that_was_changed_by_hand_is_named(project: Path, path: str) -> None:
    changed = project / path
    changed.write_text(changed.read_text().replace("STUDYSPOT", "STUDYSPOTS", 1).replace("4", "5", 1))
    assert stale_documents(project) == (f"{path} is out of date",)


def test_a_schema_that_is_missing_is_named(project: Path) -> None:
    (project / "deploy/schemas/studyspot.booking.created.v1.json").unlink()
    assert stale_documents(project) == ("deploy/schemas/studyspot.booking.created.v1.json is missing",)


def test_a_schema_without_an_event_is_named_and_then_removed(project: Path) -> None:
    left_over = project / "deploy/schemas/studyspot.booking.dreamt.v1.json"
    left_over.write_text("{}")
    assert stale_documents(project) == ("deploy/schemas/studyspot.booking.dreamt.v1.json describes no event",)
    write_documents(project)
    assert not left_over.exists()


def test_a_check_fails_with_what_is_stale_and_the_command_that_mends_it(project: Path) -> None:
    (project / "docs/settings.md").write_text("# Settings\n")
    (project / "deploy/asyncapi.json").unlink()
    checked = run_alone("--check", "--root", str(project))
    assert checked.returncode == 1
    assert checked.stderr.splitlines() == [
        "deploy/asyncapi.json is missing",
        "docs/settings.md is out of date",
        f"studyspot: Documents that are not up to date: 2. Run `{COMMAND}`, and commit them.",
    ]
    assert (project / "docs/settings.md").read_text() == "# Settings\n", "a check writes nothing"


def test_what_one_run_writes_another_finds_up_to_date(project: Path) -> None:
    for path in documents():
        (project / path).unlink()
    written = run_alone("--root", str(project))
    assert (written.returncode, written.stderr) == (0, "")
    run(project, check=True)


def test_a_folder_that_is_not_the_project_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(Fault) as refused:
        run(tmp_path, check=False)
    assert refused.value.what == f"{tmp_path} is not the project's folder."
    assert refused.value.mend == "Go there, or give it as --root."
    assert list(tmp_path.iterdir()) == []


def test_every_operation_that_the_process_serves_is_described() -> None:
    paths = json.loads(documents()["deploy/openapi.json"])["paths"]
    assert {"/api/bookings", "/api/libraries", "/api/libraries/{library_id}/seats"} <= paths.keys()
