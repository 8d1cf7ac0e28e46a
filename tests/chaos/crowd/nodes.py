"""The nodes of the fan-out: the one of the installation, and a cramped one beside it that we keep alive."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from studyspot.console.temporary_system import TemporarySystem
from studyspot.embedded.ports import free_port
from studyspot.embedded.runfile import read_run_file

_AGAIN_AFTER = timedelta(milliseconds=300)
_HOST = "127.0.0.1"
_PROJECT = Path(__file__).parents[3]
_TOLD = ("jwks", "token_issuer", "token_audience")


class CrampedNode:
    """The process of `tests.chaos.crowd.node`, started again whenever it dies."""

    def __init__(self, system: TemporarySystem) -> None:
        self.port = free_port()
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

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.crowd.node"),
            env=self._environment,
            cwd=_PROJECT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=(self._home / "logs" / "cramped.log").open("ab"),
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
        while self.pid == killed:  # noqa: ASYNC110  Its keeper starts it.
            await asyncio.sleep(_AGAIN_AFTER.total_seconds() / 10)

    async def stop(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


@asynccontextmanager
async def a_cramped_node(system: TemporarySystem) -> AsyncIterator[CrampedNode]:
    """Run one, until the end of the block."""
    node = CrampedNode(system)
    await node.start()
    keeping = asyncio.create_task(node.keep(), name="cramped node")
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
