"""The command line answers at once: help waits for nothing that only a command needs."""

import importlib.util
import subprocess
import sys

import pytest

HEAVY = {"alembic", "fastapi", "faststream", "nats", "psycopg", "pydantic", "rich", "uvicorn", "websockets"}
TYPER_OWN = {"pydantic"}
"""Imported by Typer itself as soon as a command is named."""


RUN = """
import atexit, sys
from studyspot.console.app import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main()
"""


def imported(*arguments: str) -> set[str]:
    """Return the top-level packages that `studyspot` imports when it is run with `arguments`."""
    command = [sys.executable, "-c", RUN, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "Usage:" in ended.stdout
    return {name.partition(".")[0] for name in ended.stderr.split()}


def test_help_imports_nothing_heavy() -> None:
    found = imported("--help")
    assert "typer" in found
    assert found & HEAVY == set()


@pytest.mark.parametrize("command", ["projections", "up", "demo"])
def test_help_of_a_command_imports_nothing_that_only_its_work_needs(command: str) -> None:
    found = imported(command, "--help")
    # It comes before any command's own imports, for the sake of what it would import itself: rich.
    assert "structlog" in found
    assert found & HEAVY <= TYPER_OWN


def test_a_fan_out_starts_without_a_database_driver_and_without_the_frameworks_of_others() -> None:
    parts = "studyspot.console.services, studyspot.ws_fanout.app, studyspot.access.key_sets"
    told = f"import sys, {parts}; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True
    )
    found = set(ended.stdout.split())
    assert "websockets" in found
    assert found & {"alembic", "fastapi", "faststream", "httpx", "psycopg", "uvicorn"} == set()


def test_a_process_loads_no_client_of_http_for_the_sake_of_its_broker() -> None:
    # The tests have it installed for clients of their own.
    assert importlib.util.find_spec("aiohttp") is not None
    begun = "from studyspot.console import app; app.leave_out_what_is_not_used()"
    told = f"{begun}; import sys, nats; print(*filter(sys.modules.get, sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True
    )
    found = {name.partition(".")[0] for name in ended.stdout.split()}
    assert "nats" in found
    assert "aiohttp" not in found
