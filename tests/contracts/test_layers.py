"""Who may import whom: the real tree keeps to it, and a planted import is caught by each contract."""

import ast
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.contracts.project import ROOT, modules_of

PLANTED = {
    "layers": ("domain/rules.py", "import studyspot.commands"),
    "leaves": ("telemetry.py", "import studyspot.wire.problems"),
    "domain": ("domain/rules.py", "import pydantic"),
    "checker": ("checker/verdict.py", "import studyspot.domain.events"),
    "fanout": ("ws_fanout/hub.py", "import psycopg"),
    "eventsourcing": ("decisions/run.py", "import eventsourcing.dcb.api"),
    "sans-io": ("ws_fanout/session.py", "import asyncio"),
    "settings": ("broker/stream.py", "import studyspot.settings"),
}
"""For each contract of `.importlinter`, a file and an import that has no place there."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources, with its contracts."""
    without_bytecode = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src/studyspot", tmp_path / "studyspot", ignore=without_bytecode)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def judge(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run import-linter on the package that lies in `folder`."""
    linter = Path(sys.executable).parent / "lint-imports"
    command = [str(linter), "--no-cache", "--config", str(folder / ".importlinter"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def plant(copy: Path, file: str, line: str) -> None:
    path = copy / "studyspot" / file
    path.write_text(f"{path.read_text()}\n{line}\n")


def contracts() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def test_the_sources_keep_every_contract(copy: Path) -> None:
    judged = judge(copy)
    assert judged.returncode == 0, judged.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_an_import_that_breaks_a_contract_is_caught(copy: Path, contract: str) -> None:
    plant(copy, *PLANTED[contract])
    judged = judge(copy, "--contract", contract)
    name = contracts()[f"importlinter:contract:{contract}"]["name"]
    assert judged.returncode == 1
    assert f"{name} BROKEN" in judged.stdout


def test_rooms_of_one_layer_do_not_import_each_other(copy: Path) -> None:
    plant(copy, "ws_fanout/rooms.py", "import studyspot.projections.projection")
    assert judge(copy, "--contract", "layers").returncode == 1


def test_a_room_without_a_layer_is_noticed(copy: Path) -> None:
    (copy / "studyspot/attic").mkdir()
    (copy / "studyspot/attic/__init__.py").touch()
    assert judge(copy, "--contract", "layers").returncode == 1


def test_each_contract_has_an_import_that_would_break_it() -> None:
    named = {section.rpartition(":")[2] for section in contracts().sections() if ":contract:" in section}
    assert named == PLANTED.keys()


def test_the_domain_imports_itself_and_the_standard_library() -> None:
    strangers = {
        (path.name, module)
        for path in modules_of("domain")
        for module in imported_by(path)
        if not module.startswith("studyspot.domain.") and module.split(".")[0] not in sys.stdlib_module_names
    }
    assert strangers == set()


def imported_by(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)} - {"studyspot.domain"}
    return found
