"""How an own child is run and stopped."""

import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from studyspot.embedded.errors import StartFailed
from studyspot.embedded.identity import identify
from studyspot.embedded.processes import ChildCommand, StopStep, spawn
from studyspot.embedded.waiting import wait_until

LIMIT = timedelta(seconds=30)
SOON = (StopStep(signal.SIGTERM, timedelta(milliseconds=300)),)

DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
PARENT = """
import subprocess, time
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""


def python(tmp_path: Path, script: str) -> ChildCommand:
    return ChildCommand(
        name="child",
        argv=(sys.executable, "-c", script),
        environment={},
        directory=tmp_path,
        log=tmp_path / "logs" / "child.log",
        record=tmp_path / "run" / "child.json",
        stop_steps=SOON,
    )


def test_a_child_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    child = spawn(python(tmp_path, DEAF))
    assert wait_until(lambda: child.said() == "deaf", LIMIT)
    child.stop()
    assert child.exit_code() == -signal.SIGKILL


def test_what_a_child_has_started_ends_with_it(tmp_path: Path) -> None:
    child = spawn(python(tmp_path, PARENT))
    assert wait_until(lambda: child.said().isdigit(), LIMIT)
    grandchild = identify(int(child.said()))
    assert grandchild is not None
    child.stop()
    assert wait_until(lambda: not grandchild.is_alive(), LIMIT)


def test_the_next_start_under_the_same_record_stops_the_child_of_the_last(tmp_path: Path) -> None:
    command = python(tmp_path, "import time; time.sleep(60)")
    first = spawn(command)
    second = spawn(command)
    try:
        assert first.exit_code() == -signal.SIGTERM
        assert second.exit_code() is None
    finally:
        second.stop()


def test_its_last_words_are_only_its_own(tmp_path: Path) -> None:
    for word in ("earlier", "later"):
        child = spawn(python(tmp_path, f"print('{word}')"))
        assert wait_until(lambda child=child: child.exit_code() is not None, LIMIT)  # type: ignore[misc]
        assert child.said() == word
        child.stop()


def test_a_program_that_is_missing_is_told(tmp_path: Path) -> None:
    command = ChildCommand(
        name="child",
        argv=(str(tmp_path / "missing"),),
        environment={},
        directory=tmp_path,
        log=tmp_path / "child.log",
        record=tmp_path / "child.json",
    )
    with pytest.raises(StartFailed, match="child cannot be started"):
        spawn(command)
