"""What is left of a process that was killed while a whole installation ran for it, and of a run of tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from studyspot.embedded.identity import ProcessIdentity, identify
from studyspot.embedded.waiting import wait_until
from tests.engines import temporary_home
from tests.run_folder import folder_of_this_run, remove_folders_of_the_dead

LIMIT = timedelta(seconds=60)
DEMO = """
import asyncio
from studyspot.console.temporary_system import temporary_system
async def main():
    async with temporary_system():
        print("it runs", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
RUN = """
import pathlib, sys
from tests.run_folder import folder_of_this_run
print(folder_of_this_run(pathlib.Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def scratch() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_a_temporary_system_ends_with_who_asked_for_it(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(scratch))
    parent = subprocess.Popen([sys.executable, "-c", DEMO], stdout=subprocess.PIPE, text=True)
    family: set[ProcessIdentity] = set()
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "it runs\n"
        family = processes_below(parent.pid)
        assert len(family) >= 8  # `up`, two engines and five services.
        parent.kill()
        parent.wait()
        assert wait_until(lambda: not any(one.is_alive() for one in family), LIMIT)
    finally:
        parent.kill()
        parent.communicate()
        for one in family:
            if one.is_alive():
                os.kill(one.pid, signal.SIGKILL)


def processes_below(pid: int) -> set[ProcessIdentity]:
    found = set()
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            if (identity := identify(child)) is not None:
                found |= {identity, *processes_below(child)}
    return found


def test_a_run_removes_the_folders_of_those_that_were_killed_and_of_no_other(tmp_path: Path) -> None:
    mine = folder_of_this_run(tmp_path)
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert run.stdout is not None
        theirs = Path(run.stdout.readline().strip())
        (theirs / "data").mkdir()
        remove_folders_of_the_dead(tmp_path)
        assert (theirs / "data").exists()
    finally:
        run.kill()
        run.communicate()
    assert theirs.exists()
    remove_folders_of_the_dead(tmp_path)
    assert not theirs.exists()
    assert mine.exists()
