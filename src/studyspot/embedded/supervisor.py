"""Supervision of what `up` runs: all ready at the start, each back after a death, none left at the end."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import httpx
import structlog

from studyspot.embedded.delays import Delays
from studyspot.embedded.errors import EngineError, StartFailed
from studyspot.embedded.processes import Child, ChildCommand, spawn

log = structlog.get_logger()

READY_LIMIT = timedelta(seconds=60)
ANSWER_LIMIT = timedelta(seconds=5)
LOOK_EVERY = timedelta(milliseconds=100)


class Engine(Protocol):
    """A server that others depend on, already started when supervision begins."""

    @property
    def name(self) -> str: ...
    def is_running(self) -> bool: ...
    def launch(self) -> None: ...
    def wait_ready(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep alive; a GET of `ready_url` answers 200 once it is ready."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    ready_url: str


class Supervisor:
    """The processes of one home, while they run."""

    def __init__(self, home: Path, engines: Sequence[Engine], specs: Sequence[ChildSpec]) -> None:
        self._home = home.absolute()
        self._engines = engines
        self._specs = specs
        self._children: dict[str, Child] = {}

    def pid_of(self, name: str) -> int:
        """Return the process that the child `name` now is."""
        return self._children[name].pid

    async def start(self, limit: timedelta = READY_LIMIT) -> None:
        """Start every child, and return when all are ready.

        Raises:
            StartFailed: one ended, or was not ready within `limit`.
        """
        for spec in self._specs:
            self._children[spec.name] = spawn(self._command(spec))
        async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_LIMIT.total_seconds()) as client:
            deadline = time.monotonic() + limit.total_seconds()
            for spec in self._specs:
                await self._wait_ready(client, spec, deadline)

    async def watch(self) -> None:
        """Start again whatever dies, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for engine in self._engines:
                tasks.create_task(self._keep_engine(engine))
            for spec in self._specs:
                tasks.create_task(self._keep_child(spec))

    async def stop(self) -> None:
        """Stop the children, the last first, and then the engines."""
        async with asyncio.TaskGroup() as tasks:
            for spec in reversed(self._specs):
                if spec.name in self._children:
                    tasks.create_task(asyncio.to_thread(self._children[spec.name].stop))
        for engine in reversed(self._engines):
            await asyncio.to_thread(engine.stop)

    def _command(self, spec: ChildSpec) -> ChildCommand:
        return ChildCommand(
            name=spec.name,
            argv=spec.argv,
            environment=spec.environment,
            directory=Path.cwd(),
            log=self._home / "logs" / f"{spec.name}.log",
            record=self._home / "run" / f"{spec.name}.json",
        )

    async def _wait_ready(self, client: httpx.AsyncClient, spec: ChildSpec, deadline: float) -> None:
        child = self._children[spec.name]
        see = f"See {child.command.log}."
        while not await _is_ready(client, spec.ready_url):
            if child.exit_code() is not None:
                raise StartFailed(f"{spec.name} ended at its start: {child.said(1)}", see)
            if time.monotonic() > deadline:
                raise StartFailed(f"{spec.name} did not become ready in time: {child.said(1)}", see)
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def _keep_child(self, spec: ChildSpec) -> None:
        delays = Delays()
        while True:
            child = self._children[spec.name]
            while child.exit_code() is None:  # noqa: ASYNC110  The kernel tells its death by no event everywhere.
                await asyncio.sleep(LOOK_EVERY.total_seconds())
            child.stop()  # What it had started itself must not stand in its successor's way.
            delay = delays.after_death()
            log.error("child died", child=spec.name, exit_code=child.exit_code(), again_in=delay)
            await asyncio.sleep(delay)
            try:
                # In this thread, the main one: only its children are told by the kernel when it dies.
                self._children[spec.name] = spawn(self._command(spec))
            except EngineError as error:
                log.warning("child not started", child=spec.name, error=str(error))

    async def _keep_engine(self, engine: Engine) -> None:
        delays = Delays()
        while True:
            while engine.is_running():  # noqa: ASYNC110  As above.
                await asyncio.sleep(LOOK_EVERY.total_seconds())
            delay = delays.after_death()
            log.error("engine died", engine=engine.name, again_in=delay)
            await asyncio.sleep(delay)
            try:
                engine.launch()
                await asyncio.to_thread(engine.wait_ready)
            except EngineError as error:
                log.warning("engine not started", engine=engine.name, error=str(error))


@asynccontextmanager
async def supervised(
    home: Path, engines: Sequence[Engine], specs: Sequence[ChildSpec]
) -> AsyncIterator[Supervisor]:
    """Run `specs` beside the started `engines`: all ready inside the context, all stopped after it.

    Raises:
        StartFailed: a child ended, or was not ready in time.
    """
    supervisor = Supervisor(home, engines, specs)
    try:
        await supervisor.start()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(supervisor.watch())
            try:
                yield supervisor
            finally:
                watching.cancel()
    except BaseExceptionGroup as group:
        # Only the task group's doing: whoever uses the context expects the error that was raised in it.
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from group
        raise
    finally:
        await supervisor.stop()


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
