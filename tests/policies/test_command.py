"""The process as operators run it, and what they are shown."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx

from studyspot.embedded.ports import free_port
from tests.policies.happenings import HOUR, NINE, booked, opened, seat
from tests.policies.system import Log, until
from tests.policies.test_failures import append_raw

DUE = NINE + HOUR


async def start(*arguments: str, database_url: str, home: Path, **more: str) -> asyncio.subprocess.Process:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "studyspot", "policies", *arguments),
        env=clean | {"STUDYSPOT_HOME": str(home), "STUDYSPOT_DATABASE_URL": database_url} | more,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=home,
    )


async def said(*arguments: str, database_url: str, home: Path) -> str:
    process = await start(*arguments, database_url=database_url, home=home)
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def answered(client: httpx.AsyncClient) -> dict[str, Any] | None:
    """What /ready says; nothing before somebody listens."""
    try:
        said: dict[str, Any] = (await client.get("/ready")).json()
    except httpx.TransportError:
        return None
    return said


async def test_the_process_needs_no_broker_tells_that_it_is_ready_and_ends_cleanly(
    log: Log, tmp_path: Path
) -> None:
    log.append(opened(), actor="student")
    port = free_port()
    process = await start(
        "run", database_url=log.database_url, home=tmp_path, STUDYSPOT_METRICS_PORT=str(port)
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            async with asyncio.timeout(60):
                while await answered(client) != {"ready": True, "policies": 1}:  # noqa: ASYNC110  # Ports tell nobody.
                    await asyncio.sleep(0.05)
            async with asyncio.timeout(60):
                while "studyspot_policies_lag_events 0.0" not in (await client.get("/metrics")).text:
                    pass  # It is measured now and then.
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_status_shows_what_waits_and_what_failed(log: Log, tmp_path: Path) -> None:
    log.append(opened(), seat(), booked("B1"), actor="student")
    broken = append_raw(log, "booking.checked-in", {"bookingId": "B1"}, "booking:B1")
    log.append(booked("B2", "S2", start=NINE + 24 * HOUR), actor="student")
    await log.settle(DUE)
    await until(lambda: log.rows("SELECT FROM policies.tasks WHERE reason IS NOT NULL"))
    given = {"database_url": log.database_url, "home": tmp_path}
    shown = json.loads(await said("status", "--json", **given))  # type: ignore[arg-type]
    assert (shown["position"], shown["head"], shown["lagEvents"], shown["waiting"]) == (5, 5, 0, 2)
    assert shown["unreadEvents"] == [broken]
    reminder, task = shown["setAside"]
    assert reminder["key"] == "remind:booking:B1"
    assert (task["key"], task["dueAt"]) == ("miss-booking:booking:B1", "2026-12-01T09:30:00Z")
    assert "miss-booking:booking:B1" in await said("status", **given)  # type: ignore[arg-type]
