"""A whole installation of real processes that leaves nothing behind: for the demo and for tests."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from studyspot.access.keys import SigningKey
from studyspot.console.faults import Fault
from studyspot.domain.people import Role
from studyspot.embedded.parents import told_of_parents_death
from studyspot.embedded.ports import free_port
from studyspot.embedded.postgres_cluster import remove_cluster

log = structlog.get_logger()

READY_WITHIN = timedelta(seconds=120)
STOPPED_WITHIN = timedelta(seconds=30)
TOKEN_LIFETIME = timedelta(hours=1)
_LOOK_EVERY = timedelta(milliseconds=20)


@dataclass(frozen=True, slots=True)
class TemporarySystem:
    """`studyspot up` on a temporary home and free ports; `process` is the one that supervises the rest.

    `ready` is the line that it said when all was.
    """

    home: Path
    api_url: str
    fanout_url: str
    process: asyncio.subprocess.Process
    ready: str

    @property
    def settings(self) -> dict[str, Any]:
        """What run.json tells the installation's own commands."""
        settings: dict[str, Any] = json.loads((self.home / "run.json").read_text())["settings"]
        return settings

    def token(self, user_id: str, role: Role, name: str | None = None) -> str:
        """Return a token of this installation."""
        settings = self.settings
        return SigningKey.load(Path(settings["signing_key"])).sign(
            user_id=user_id,
            role=role,
            name=name,
            issuer=settings["token_issuer"],
            audience=settings["token_audience"],
            now=datetime.now(UTC),
            lifetime=TOKEN_LIFETIME,
        )

    def pid_of(self, name: str) -> int:
        """Return the process that `name` (api, relay, projections, policies, fanout, nats, postgres) is."""
        record = json.loads((self.home / "run" / f"{name}.json").read_text())
        return int(record["pid"])

    def kill(self, name: str) -> int:
        """Kill a process with SIGKILL; `up` starts it again. Return its old pid."""
        pid = self.pid_of(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    async def is_back(self, name: str, killed: int) -> None:
        """Wait until another process has taken the place of the killed one."""
        while True:
            # The record of the dead is removed before that of its successor is written.
            with suppress(FileNotFoundError):
                if self.pid_of(name) != killed:
                    return
            await asyncio.sleep(_LOOK_EVERY.total_seconds())


@asynccontextmanager
async def temporary_system(told: Mapping[str, str] | None = None) -> AsyncIterator[TemporarySystem]:
    """Run an installation inside, and remove all of it at the end; `told` are variables beside its own.

    Where Linux allows, its processes end also when this one is killed; then its home stays.

    Raises:
        Fault: it did not become ready; the line that it said itself.
    """
    home = _make_home()
    api, fanout = free_port(), free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "studyspot",
        "up",
        env=environment
        | {
            "STUDYSPOT_HOME": str(home),
            "STUDYSPOT_API_PORT": str(api),
            "STUDYSPOT_FANOUT_PORT": str(fanout),
            "STUDYSPOT_PROXY": "none",
        }
        | dict(told or {}),
        cwd=home,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=(home / "up.log").open("wb"),
        start_new_session=True,
        preexec_fn=told_of_parents_death(signal.SIGTERM),
    )
    try:
        ready = await _ready(process, home)
        yield TemporarySystem(home, f"http://127.0.0.1:{api}", f"ws://127.0.0.1:{fanout}", process, ready)
    finally:
        await _stop(process)
        await asyncio.to_thread(remove_cluster, home)
        shutil.rmtree(home, ignore_errors=True)


def _make_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="studyspot-"))
    # PostgreSQL's user, who is not root, has to reach its data below.
    home.chmod(0o711)
    return home


async def _ready(process: asyncio.subprocess.Process, home: Path) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_WITHIN.total_seconds()):
            line = await process.stdout.readline()
    except TimeoutError as error:
        raise Fault("The temporary system was not ready in time.", _last_line(home)) from error
    if not line.startswith(b"ready"):
        raise Fault("The temporary system did not start.", _last_line(home))
    return line.decode().rstrip()


def _last_line(home: Path) -> str:
    lines = (home / "up.log").read_text().strip().splitlines()
    return lines[-1] if lines else "It said nothing."


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOPPED_WITHIN.total_seconds()):
            await process.wait()
    except TimeoutError:
        log.error("the temporary system did not stop; it is killed", pid=process.pid)  # noqa: TRY400
        process.kill()
        await process.wait()
