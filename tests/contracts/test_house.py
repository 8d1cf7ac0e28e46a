"""The house: its gate, its folders, and what its texts may not hold."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.contracts.project import ROOT, modules_of, written_files

UNNAMED_CONCEPTS = ("util", "utils", "helper", "helpers", "common", "misc")
ELSEWHERE = ("/".join(("..", "shared")), f"{ROOT}/")


@pytest.fixture
def recorded_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `make` before the real one that writes down its goals, and fails at the goal in $FAILING."""
    record = tmp_path / "goals"
    make = tmp_path / "make"
    make.write_text(f'#!/bin/sh\necho "$@" >> {record}\n[ "$1" != "$FAILING" ]\n')
    make.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return record


def gate(folder: Path) -> int:
    return subprocess.run([str(ROOT / ".ci/run")], cwd=folder, timeout=60, check=False).returncode


def test_the_gate_checks_and_then_tests(recorded_make: Path) -> None:
    assert gate(recorded_make.parent) == 0
    assert recorded_make.read_text().splitlines() == ["check", "test"]


def test_the_gate_ends_with_the_first_failure(recorded_make: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILING", "check")
    assert gate(recorded_make.parent) != 0
    assert recorded_make.read_text().splitlines() == ["check"]


def test_no_package_does_anything_when_it_is_imported() -> None:
    full = [path for path in modules_of("") if path.name == "__init__.py" and path.stat().st_size]
    assert full == []


def test_each_file_and_folder_is_named_after_its_concept() -> None:
    nameless = [
        path for path in modules_of("") if not {path.stem, path.parent.name}.isdisjoint(UNNAMED_CONCEPTS)
    ]
    assert nameless == []


def test_no_text_speaks_of_a_place_outside_the_project() -> None:
    files = [*written_files()]
    assert Path(__file__) in files
    leaks = [
        (path.relative_to(ROOT), place)
        for path in files
        for place in ELSEWHERE
        if place in path.read_text(errors="replace")
    ]
    assert leaks == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        (document.relative_to(ROOT), target)
        for document in written_files()
        if document.suffix == ".md"
        for target in links_in(document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []


def links_in(text: str) -> list[str]:
    """Return the targets of Markdown links that are files."""
    targets = [part.partition(")")[0].partition("#")[0] for part in text.split("](")[1:]]
    return [target for target in targets if target and "://" not in target]
