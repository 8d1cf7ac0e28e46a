"""`studyspot fanout` as an operator runs it: a process, or several behind one port, seen from outside."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from prometheus_client.parser import text_string_to_metric_families

from studyspot.embedded.parents import told_of_parents_death
from studyspot.embedded.ports import free_port
from tests.ws_fanout.people import AUDIENCE, ISSUER, KEY

LIMIT = 60
END_SECONDS = 30
SHIPPED = ("studyspot", "fanout", "--environment-only")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class FanoutProcess:
    """A running fan-out, which answers for itself at `metrics`; `port` is that of its sockets."""

    process: asyncio.subprocess.Process
    port: int
    metrics: httpx.AsyncClient
    log: Path

    @property
    def is_running(self) -> bool:
        return self.process.returncode is None

    def stop(self) -> None:
        """Ask it to end, as whoever runs it does."""
        self.process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait until it has ended, hardly longer than whoever runs it does, and return its exit status."""
        async with asyncio.timeout(20):
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
                    assert self.is_running, self.log.read_text(encoding="utf-8")
                await asyncio.sleep(0.02)

    def rss_bytes(self) -> int:
        """How much of the machine's memory it holds."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * _PAGE_BYTES

    def log_lines(self) -> list[dict[str, Any]]:
        """What it has logged so far; a line that is no JSON is one of a crash, and stands as `event`."""
        return [_line(text) for text in self.log.read_text(encoding="utf-8").splitlines()]

    def faults(self) -> list[dict[str, Any]]:
        """The lines that tell of something that nobody had thought of."""
        return [
            line
            for line in self.log_lines()
            if line.get("level") not in ("debug", "info", "warning") or "exception" in line
        ]


@asynccontextmanager
async def fanout_process(
    nats_url: str, home: Path, *arguments: str, program: Sequence[str] = SHIPPED, host: str = "127.0.0.1"
) -> AsyncIterator[FanoutProcess]:
    """One that lets sockets in; it trusts `people.token`, writes below `home`, and is ended afterwards."""
    keys, log = home / "jwks.json", home / "fanout.log"
    keys.write_bytes(orjson.dumps(KEY.jwks()))
    port, metrics_port = free_port(), free_port()
    settings = {
        "HOME": str(home),
        "NATS_URL": nats_url,
        "JWKS": str(keys),
        "TOKEN_ISSUER": ISSUER,
        "TOKEN_AUDIENCE": AUDIENCE,
        "FANOUT_HOST": host,
        "FANOUT_PORT": str(port),
        "METRICS_PORT": str(metrics_port),
    }
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *program, *arguments),
            env=inherited | {f"STUDYSPOT_{name}": value for name, value in settings.items()},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=told_of_parents_death(signal.SIGTERM),
        )
    metrics_url = f"http://127.0.0.1:{metrics_port}"
    async with httpx.AsyncClient(base_url=metrics_url, trust_env=False) as metrics:
        fanout = FanoutProcess(process, port, metrics, log)
        try:
            await fanout.until(lambda answer: answer.status_code == httpx.codes.OK)
            yield fanout
        finally:
            await _end(fanout)


async def _end(fanout: FanoutProcess) -> None:
    """End it as an operator does; one that does not end in time is killed."""
    if not fanout.is_running:
        return
    fanout.stop()
    try:
        async with asyncio.timeout(END_SECONDS):
            await fanout.process.wait()
    except TimeoutError:
        # Its workers are in its group.
        os.killpg(fanout.process.pid, signal.SIGKILL)
        await fanout.process.wait()
        raise


def _line(text: str) -> dict[str, Any]:
    try:
        line = orjson.loads(text)
    except ValueError:
        line = None
    return line if isinstance(line, dict) else {"event": text, "level": "crash"}
