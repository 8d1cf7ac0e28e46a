"""`make demo`: it passes, and it notices when something is not so."""

import asyncio
import json
import signal
import sys
from typing import Any

import pytest

from studyspot.embedded.parents import told_of_parents_death

LIMIT_SECONDS = 240


async def demo(*arguments: str) -> tuple[int | None, list[dict[str, Any]], str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "studyspot", "demo", "--json", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=told_of_parents_death(signal.SIGTERM),
    )
    async with asyncio.timeout(LIMIT_SECONDS):
        out, err = await process.communicate()
    return process.returncode, json.loads(out) if out else [], err.decode()


@pytest.mark.timeout(300)
async def test_every_scene_passes_until_an_event_is_taken_from_a_sockets_record() -> None:
    """The last scene judges what happened, finds it clean, and with the fault finds just that."""
    status, steps, err = await demo("--plant-fault")
    failed = [step for step in steps if not step["passed"]]
    assert [step["step"] for step in failed] == [13], (failed, err)
    assert (status, len(steps)) == (1, 13), err
    assert "gap" in steps[-1]["detail"]
