"""The second node of the fan-out, beside that of the installation: a process that we keep alive."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from studyspot.console.temporary_system import TemporarySystem
from studyspot.embedded.parents import told_of_parents_death
from studyspot.embedded.ports import free_port
from studyspot.embedded.runfile import read_run_file

_AGAIN_AFTER = timedelta(milliseconds=300)
_HOST = "127.0.0.1"
_PROJECT = Path(__file__).parents[3]
_TOLD = ("jwks", "token_issuer", "token_audience")
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """What is run as a node, how many processes of its own it has, and what never happens on it."""

    command: tuple[str, ...]
    workers: int = 0
    never: tuple[str, ...] = ()


CRAMPED = Kind(("-m", "tests.chaos.crowd.node"))
OF_WORKERS = Kind(
    ("-m", "studyspot", "fanout", "--environment-only", "--workers", str(_WORKERS)),
    workers=_WORKERS,
    # Nobody is so slow that they are behind by its limits.
    never=("behind",),
)
KINDS: Mapping[str, Kind] = {"cramped": CRAMPED, "workers": OF_WORKERS}


class SecondNode:
    """A node that is started again whenever it dies."""

    def __init__(self, system: TemporarySystem, kind: Kind) -> None:
        self.port = free_port()
        self.kind = kind
        self._home = system.home
        self._environment = _environment(system, self.port)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"ws://{_HOST}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def pids(self) -> tuple[int, ...]:
        """The process and its workers, as far as they run."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        try:
            return (self.pid, *(int(pid) for pid in children.read_text().split()))
        except (FileNotFoundError, ProcessLookupError):
            return (self.pid,)

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, *self.kind.command),
            env=self._environment,
            cwd=_PROJECT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=(self._home / "logs" / "second.log").open("ab"),
            preexec_fn=told_of_parents_death(signal.SIGTERM),
        )

    async def keep(self) -> None:
        """Start it again whenever it has died, until cancelled."""
        while True:
            assert self._process is not None
            await self._process.wait()
            await asyncio.sleep(_AGAIN_AFTER.total_seconds())
            await self.start()

    async def is_back(self, killed: int) -> None:
        """Wait until another process has taken the place of the killed one."""
        while killed in self.pids or len(self.pids) <= self.kind.workers:  # noqa: ASYNC110  Its keeper starts it.
            await asyncio.sleep(_AGAIN_AFTER.total_seconds() / 10)

    async def stop(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            # Workers whose parent is gone end by themselves.
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


@asynccontextmanager
async def a_second_node(system: TemporarySystem, kind: Kind) -> AsyncIterator[SecondNode]:
    """Run one, until the end of the block."""
    node = SecondNode(system, kind)
    await node.start()
    keeping = asyncio.create_task(node.keep(), name="second node")
    try:
        yield node
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await node.stop()


def _environment(system: TemporarySystem, port: int) -> dict[str, str]:
    run_file = read_run_file(system.home)
    assert run_file is not None
    told: dict[str, Any] = {name: run_file.settings[name] for name in _TOLD}
    told |= {"nats_url": run_file.services["fanout"].nats_url, "fanout_host": _HOST, "fanout_port": port}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    return inherited | {f"STUDYSPOT_{name.upper()}": str(value) for name, value in told.items()}
