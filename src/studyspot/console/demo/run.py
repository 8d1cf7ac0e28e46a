"""`studyspot demo`: the main job, played on real processes over real HTTP and sockets, and judged."""

import shutil
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvloop

from studyspot.client.errors import ClientError
from studyspot.console.demo.cast import SceneFailed
from studyspot.console.demo.cuttable import cuttable
from studyspot.console.demo.scenes import SCENES, Scene, Stage
from studyspot.console.output import print_json
from studyspot.console.temporary_system import TemporarySystem, temporary_system
from studyspot.telemetry import configure_logging


def run_demo(as_json: bool, plant_fault: bool) -> None:
    """Play every scene, printing each; exit status 1 at the first that fails."""
    configure_logging("error", "console")
    steps = uvloop.run(_play(as_json, plant_fault))
    if as_json:
        print_json(steps)
    if not all(step["passed"] for step in steps):
        sys.exit(1)


async def _play(quiet: bool, plant_fault: bool) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(temporary_system())
        _tell(quiet, f"a temporary system is ready after {time.monotonic() - began:.1f} s")
        url, wire = await stack.enter_async_context(cuttable(system.fanout_url))
        people = await stack.enter_async_context(AsyncExitStack())
        stage = Stage(system, people, wire, url, plant_fault)
        for number, (title, scene) in enumerate(SCENES, start=1):
            step = await _step(number, title, scene, stage)
            steps.append(step)
            mark = "✓" if step["passed"] else "✗"
            _tell(quiet, f"{mark} {number:>2}/{len(SCENES)}  {title}\n          {step['detail']}")
            if not step["passed"]:
                step["logs"] = str(_kept_logs(system))
                _tell(quiet, f"FAILED at step {number} of {len(SCENES)}; the logs are in {step['logs']}")
                return steps
    _tell(quiet, f"all {len(SCENES)} steps passed in {time.monotonic() - began:.1f} s")
    return steps


async def _step(number: int, title: str, scene: Scene, stage: Stage) -> dict[str, Any]:
    began = time.monotonic()
    try:
        detail, passed = await scene(stage), True
    except (SceneFailed, ClientError, TimeoutError) as failure:
        detail, passed = str(failure) or type(failure).__name__, False
    return {
        "step": number,
        "title": title,
        "passed": passed,
        "detail": detail,
        "seconds": round(time.monotonic() - began, 3),
    }


def _kept_logs(system: TemporarySystem) -> Path:
    kept = Path(tempfile.mkdtemp(prefix="studyspot-demo-"))
    shutil.copytree(system.home / "logs", kept, dirs_exist_ok=True)
    return kept


def _tell(quiet: bool, line: str) -> None:
    if not quiet:
        print(line, flush=True)  # noqa: T201 - this is the console
