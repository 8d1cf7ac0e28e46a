"""The README's tour, word for word, on a running system."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from studyspot.console.temporary_system import TemporarySystem, temporary_system

pytestmark = pytest.mark.asyncio(loop_scope="module")

README = Path(__file__).parents[2] / "README.md"
LIMIT_SECONDS = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system() -> AsyncIterator[TemporarySystem]:
    async with temporary_system() as system:
        yield system


def blocks(language: str, system: TemporarySystem) -> list[str]:
    """Return the README's code in this language, with the addresses of this system."""
    found = re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)
    return [
        block.replace("http://127.0.0.1:8000", system.api_url).replace(
            "ws://127.0.0.1:8001", system.fanout_url
        )
        for block in found
    ]


async def test_the_tour_books_a_seat_that_a_socket_shows(system: TemporarySystem, tmp_path: Path) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")},
        "STUDYSPOT_HOME": str(system.home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    (watch,) = blocks("python", system)
    watching = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", watch, system.token("student-asha", "student")),
        stdout=asyncio.subprocess.PIPE,
    )
    assert watching.stdout is not None
    try:
        script = "set -euo pipefail\n" + "\necho ---\n".join(blocks("bash", system))
        touring = await asyncio.create_subprocess_exec(
            *("bash", "-c", script), env=environment, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(LIMIT_SECONDS):
            out, _ = await touring.communicate()
            assert touring.returncode == 0, out
            _, booking, seats = out.decode().split("---\n")
            booked = json.loads(booking.splitlines()[-1])
            while not (line := (await watching.stdout.readline()).decode()).startswith("booking:created"):
                assert line, "the socket ended"
    finally:
        watching.terminate()
        await watching.wait()
    assert "201 Created" in booking.splitlines()[0]
    assert line.startswith(f"booking:created {booked['position']} ")
    assert booked["id"] in line
    assert json.loads(seats)["seats"][0]["label"] == "A1"
