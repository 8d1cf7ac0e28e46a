"""`studyspot fanout` as an operator runs it: a process, or several behind one port."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from prometheus_client.parser import text_string_to_metric_families

from studyspot.embedded.ports import free_port
from tests.ws_fanout.people import AUDIENCE, ISSUER, KEY

LIMIT = 30


@dataclass(frozen=True, slots=True)
class FanoutProcess:
    """A running fan-out, which answers for itself at `metrics`."""

    process: asyncio.subprocess.Process
    port: int
    metrics: httpx.AsyncClient

    def stop(self) -> None:
        """Ask it to end, as whoever runs it does."""
        self.process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait until it has ended, for no longer than whoever runs it does, and return its exit status."""
        async with asyncio.timeout(10):
            return await self.process.wait()

    async def workers(self) -> list[dict[str, Any]]:
        """Return what is told of each worker."""
        told: list[dict[str, Any]] = (await self.metrics.get("/ready")).json()["workers"]
        return told

    async def value(self, metric: str) -> float:
        """Return the sum of a metric over its labels."""
        families = text_string_to_metric_families((await self.metrics.get("/metrics")).text)
        return sum(sample.value for family in families for sample in family.samples if sample.name == metric)

    async def until(self, true: Callable[[httpx.Response], bool], path: str = "/ready") -> None:
        """Wait until its answer is as it should be."""
        async with asyncio.timeout(LIMIT):
            while True:
                try:
                    if true(await self.metrics.get(path)):
                        return
                except httpx.TransportError:
                    assert self.process.returncode is None, "it has ended"
                await asyncio.sleep(0.02)


@asynccontextmanager
async def fanout_process(
    nats_url: str, home: Path, *arguments: str, port: int | None = None
) -> AsyncIterator[FanoutProcess]:
    """A fan-out once it is ready; what is left of it at the end is killed."""
    keys = home / "jwks.json"
    keys.write_bytes(orjson.dumps(KEY.jwks()))
    settings = {
        "NATS_URL": nats_url,
        "JWKS": str(keys),
        "TOKEN_ISSUER": ISSUER,
        "TOKEN_AUDIENCE": AUDIENCE,
        "FANOUT_PORT": str(free_port() if port is None else port),
        "METRICS_PORT": str(free_port()),
    }
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "studyspot", "fanout", "--environment-only", *arguments),
        env=inherited | {f"STUDYSPOT_{name}": value for name, value in settings.items()},
        start_new_session=True,
    )
    metrics_url = f"http://127.0.0.1:{settings['METRICS_PORT']}"
    async with httpx.AsyncClient(base_url=metrics_url, trust_env=False) as metrics:
        fanout = FanoutProcess(process, int(settings["FANOUT_PORT"]), metrics)
        try:
            await fanout.until(lambda answer: answer.status_code == httpx.codes.OK)
            yield fanout
        finally:
            if process.returncode is None:
                # Its workers are in its group.
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
