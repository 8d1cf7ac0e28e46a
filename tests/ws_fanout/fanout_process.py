"""`studyspot fanout` as a process of its own, as it is shipped, and what can be seen of it from outside."""

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from studyspot.embedded.ports import free_port
from tests.ws_fanout.people import KEY

HOST = "127.0.0.1"
BEGIN_SECONDS = 30
END_SECONDS = 15
SHIPPED = ("studyspot", "fanout", "--environment-only")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class FanoutProcess:
    """A running process; `port` is that of its sockets."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, metrics_port: int, log: Path) -> None:
        self.port = port
        self._process = process
        self._metrics_port = metrics_port
        self._log = log

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    def rss_bytes(self) -> int:
        """How much of the machine's memory it holds."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * _PAGE_BYTES

    def log_lines(self) -> list[dict[str, Any]]:
        """What it has logged so far; a line that is no JSON is one of a crash, and stands as `event`."""
        return [_line(text) for text in self._log.read_text(encoding="utf-8").splitlines()]

    def faults(self) -> list[dict[str, Any]]:
        """The lines that tell of something that nobody had thought of."""
        return [
            line
            for line in self.log_lines()
            if line.get("level") not in ("debug", "info", "warning") or "exception" in line
        ]

    async def metric(self, name: str) -> float:
        """Return the sum of a metric over all its labels."""
        body = await asyncio.to_thread(_get, f"http://{HOST}:{self._metrics_port}/metrics")
        samples = [line.split() for line in body.decode().splitlines() if line.startswith(name)]
        return sum(float(value) for label, value in samples if label.partition("{")[0] == name)

    async def is_ready(self) -> bool:
        try:
            await asyncio.to_thread(_get, f"http://{HOST}:{self._metrics_port}/ready")
        except (urllib.error.URLError, OSError):
            return False
        return True

    async def end(self) -> None:
        """End it as an operator does; one that does not end in time is killed."""
        if not self.is_running:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise


@asynccontextmanager
async def fanout_process(
    nats_url: str, home: Path, *, command: Sequence[str] = SHIPPED
) -> AsyncIterator[FanoutProcess]:
    """Run one that lets sockets in, and end it; it trusts `people.token`, and writes below `home`."""
    port, metrics_port = free_port(), free_port()
    keys, log = home / "keys.json", home / "fanout.log"
    keys.write_text(json.dumps(KEY.jwks()), encoding="utf-8")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    told = {
        "HOME": str(home),
        "NATS_URL": nats_url,
        "JWKS": str(keys),
        "FANOUT_PORT": str(port),
        "METRICS_PORT": str(metrics_port),
    }
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *command),
            env=inherited | {f"STUDYSPOT_{name}": value for name, value in told.items()},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
        )
    running = FanoutProcess(process, port, metrics_port, log)
    try:
        async with asyncio.timeout(BEGIN_SECONDS):
            while not await running.is_ready():
                assert running.is_running, log.read_text(encoding="utf-8")
                await asyncio.sleep(0.05)
        yield running
    finally:
        await running.end()


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=2) as answer:
        body: bytes = answer.read()
    return body


def _line(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    return line if isinstance(line, dict) else {"event": text, "level": "crash"}
