"""The README's tour, word for word: on sample data, as somebody new would take it."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from studyspot.embedded.identity import identify
from studyspot.embedded.parents import told_of_parents_death
from studyspot.embedded.ports import free_port

ROOT = Path(__file__).parents[2]
BEGIN_WITHIN_SECONDS = 200
TOUR_SECONDS = 100


def tour() -> str:
    """Return the tour's commands, in order."""
    text = (ROOT / "README.md").read_text()
    section = text.split("## A tour")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"```bash\n(.*?)```", section, re.S))


@asynccontextmanager
async def up(environment: dict[str, str]) -> AsyncIterator[list[str]]:
    """Run `studyspot up --seed-demo`; the lines that it prints until it is ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "studyspot", "up", "--seed-demo"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=told_of_parents_death(signal.SIGTERM),
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        async with asyncio.timeout(BEGIN_WITHIN_SECONDS):
            while not lines or not lines[-1].startswith("ready"):
                line = await process.stdout.readline()
                assert line, lines
                lines.append(line.decode().rstrip())
        yield lines
        records = sorted((Path(environment["STUDYSPOT_HOME"]) / "run").glob("*.json"))
        children = [json.loads(record.read_text())["pid"] for record in records]
        assert len(children) >= 7  # Two engines and five services.
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    assert not [pid for pid in children if identify(pid)], "it has left some of its processes"


async def output_of(*command: str, environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(TOUR_SECONDS):
        output, errors = await process.communicate()
    assert process.returncode == 0, f"{output.decode()}\n{errors.decode()}"
    return output.decode()


# A whole installation, and a command after the other.
@pytest.mark.timeout(300)
async def test_the_tour_works_word_for_word(tmp_path: Path) -> None:
    api, fanout = free_port(), free_port()
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    environment = clean | {
        "STUDYSPOT_HOME": str(tmp_path / "home"),
        "STUDYSPOT_API_PORT": str(api),
        "STUDYSPOT_FANOUT_PORT": str(fanout),
        "STUDYSPOT_PROXY": "none",
        "COLUMNS": "160",
    }
    async with up(environment) as lines:
        assert re.fullmatch(
            r"3 libraries, 54 students and 1?\d{3} bookings: \d+ events in [\d.]+ s\.", lines[0]
        )
        assert "meera.joshi@example.in (owner)" in lines[1]
        # Another home than the README's has other ports; nothing else is changed.
        script = "set -e\n" + tour().replace("127.0.0.1:8000", f"127.0.0.1:{api}")
        shown = await output_of("bash", "-c", script, environment=environment)
        again = json.loads(
            await output_of(sys.executable, "-m", "studyspot", "seed-demo", "--json", environment=environment)
        )
    assert again["seeded"] is False
    for expected in (
        '"name":"Saraswati Reading Room"',
        '"status":"confirmed"',
        '"amountMinor":5000',
        '"type":"/problems/seat-taken"',
        '"status":"possible"',
        "BEGIN:VCALENDAR",
        '"occupancy"',
        '"code":"',
        '"kind":"booking-revoked"',
        "booking.revoked",
        "asha.rao@example.in",
        "notifications",
    ):
        assert expected in shown, f"{expected} is not in\n{shown}"
    assert "/problems/" not in shown.replace("/problems/seat-taken", "")
