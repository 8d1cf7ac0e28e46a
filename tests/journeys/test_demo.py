"""`make demo`: it passes, and it notices when something is not so."""

import asyncio
import json
import sys
from typing import Any

LIMIT_SECONDS = 240


async def demo(*arguments: str) -> tuple[int | None, list[dict[str, Any]], str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "studyspot", "demo", "--json", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(LIMIT_SECONDS):
        out, err = await process.communicate()
    return process.returncode, json.loads(out) if out else [], err.decode()


async def test_every_scene_passes() -> None:
    status, steps, err = await demo()
    failed = [step for step in steps if not step["passed"]]
    assert not failed, (failed, err)
    assert (status, len(steps)) == (0, 13), err


async def test_an_event_that_is_missing_from_a_sockets_record_fails_the_demo() -> None:
    status, steps, err = await demo("--plant-fault")
    assert status == 1, err
    assert [step["passed"] for step in steps] == [True] * 12 + [False]
    assert "gap" in steps[-1]["detail"]
