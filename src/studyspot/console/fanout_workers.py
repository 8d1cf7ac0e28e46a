"""`studyspot fanout --workers N`: several processes behind one port, and the parent that keeps them running.

The kernel shares connections among those that listen on the port. The parent holds no socket of any client:
it starts what dies, passes the end on to all, and answers for all on the port of metrics.
"""

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from studyspot.console.faults import Fault
from studyspot.embedded.delays import Delays
from studyspot.settings import Settings
from studyspot.telemetry import Readiness, serve_metrics
from studyspot.ws_fanout.worker import read_report

STOPPED_WITHIN = timedelta(seconds=9)
"""A worker drains within eight seconds, and whoever stops us waits for ten."""
MOST_FAILED_STARTS = 3
SILENT_AFTER = timedelta(seconds=5)

log = structlog.get_logger()


def run_workers(settings: Settings, count: int, *, environment_only: bool) -> None:
    """Run `count` workers until SIGTERM or SIGINT; then all of them drain.

    Raises:
        Fault: workers cannot be had here, or end again and again before they are ready.
    """
    command = [sys.executable, "-m", "studyspot", "fanout"]
    if environment_only:
        command.append("--environment-only")
    with ExitStack() as stack:
        port = stack.enter_context(_held_port(settings.fanout_host, settings.fanout_port))
        environment = os.environ | {"STUDYSPOT_FANOUT_PORT": str(port)}
        if settings.metrics_port is None:
            asyncio.run(_run(FanoutWorkers(command, environment, count)))
            return
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="studyspot-fanout-"))
        environment["PROMETHEUS_MULTIPROC_DIR"] = folder
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        deaths = Counter("studyspot_fanout_worker_deaths", "Workers that died unasked", registry=registry)

        def died(pid: int) -> None:
            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
            deaths.inc()

        workers = FanoutWorkers(command, environment, count, on_death=died)
        stop_metrics = serve_metrics(
            settings.metrics_port, workers.readiness, registry=registry, health=workers.health
        )
        stack.callback(stop_metrics)
        asyncio.run(_run(workers))


async def _run(workers: "FanoutWorkers") -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await workers.run(stopped)


@dataclass(slots=True)
class Worker:
    """One of the workers: the process that it is now, and what that told last."""

    number: int
    pid: int | None = None
    since: datetime | None = None
    restarts: int = 0
    has_been_ready: bool = False
    report: Readiness | None = None
    reported_at: float = 0.0

    def began(self, pid: int) -> None:
        self.pid, self.since = pid, datetime.now(UTC)
        self.has_been_ready, self.report = False, None

    def told(self, report: Readiness) -> None:
        self.report, self.reported_at = report, time.monotonic()
        self.has_been_ready |= report.ready

    def ended(self) -> None:
        self.pid, self.report = None, None

    @property
    def is_ready(self) -> bool:
        """Whether it said so, not long ago."""
        silent_for = timedelta(seconds=time.monotonic() - self.reported_at)
        return self.report is not None and self.report.ready and silent_for < SILENT_AFTER

    @property
    def identity(self) -> dict[str, Any]:
        since = self.since.isoformat() if self.since is not None else None
        return {"worker": self.number, "pid": self.pid, "since": since, "restarts": self.restarts}


class FanoutWorkers:
    """The workers of one port, each kept running."""

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        count: int,
        *,
        on_death: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Start none yet; `on_death` is told the process of each that dies unasked."""
        self._command = command
        self._environment = environment
        self._workers = [Worker(number) for number in range(1, count + 1)]
        self._on_death = on_death

    async def run(self, stopped: asyncio.Event) -> None:
        """Keep every worker running until `stopped` is set; then all drain at once, within `STOPPED_WITHIN`.

        Raises:
            ExceptionGroup: of a Fault: workers end again and again before they are ready, and none serves.
        """
        async with asyncio.TaskGroup() as tasks:
            keepers = [tasks.create_task(self._keep(worker)) for worker in self._workers]
            await stopped.wait()
            for keeper in keepers:
                keeper.cancel()

    def readiness(self) -> Readiness:
        """Say whether every worker is ready, and how each is."""
        told = [
            {**worker.identity, "ready": worker.is_ready, **(worker.report.details if worker.report else {})}
            for worker in self._workers
        ]
        return Readiness(all(worker.is_ready for worker in self._workers), {"workers": told})

    def health(self) -> dict[str, Any]:
        """Say which process each worker is, since when, and how often it had to be started again."""
        return {"workers": [worker.identity for worker in self._workers]}

    async def _keep(self, worker: Worker) -> None:
        delays = Delays()
        failed_starts = 0
        while True:
            exit_code = await self._live(worker)
            failed_starts = 0 if worker.has_been_ready else failed_starts + 1
            # While others serve, one that fails is no reason to send their clients away.
            if failed_starts >= MOST_FAILED_STARTS and not self._anyone_serves():
                raise Fault(
                    f"Worker {worker.number} of the fan-out ended {failed_starts} times before it was ready, "
                    f"last with exit status {exit_code}.",
                    "Mend what it said above, or see what it says without --workers.",
                )
            delay = delays.after_death()
            log.error("worker died", worker=worker.number, exit_code=exit_code, again_in=delay)
            await asyncio.sleep(delay)
            worker.restarts += 1

    def _anyone_serves(self) -> bool:
        return any(worker.pid is not None and worker.has_been_ready for worker in self._workers)

    async def _live(self, worker: Worker) -> int:
        """Run a worker until it ends, and return its exit code; stop it when cancelled."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                # In our process group: who kills that, such as the supervisor of `up`, gets all of us.
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    "--worker",
                    str(worker.number),
                    stdin=theirs.fileno(),
                    env=self._environment,
                )
            worker.began(process.pid)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_listen(ours, worker))
                    try:
                        exit_code = await process.wait()
                    finally:
                        await _stop(process, worker)
            finally:
                worker.ended()
        self._on_death(process.pid)
        return exit_code


async def _listen(channel: socket.socket, worker: Worker) -> None:
    """Take down what the worker tells, until it ends."""
    reader, writer = await asyncio.open_unix_connection(sock=channel)
    try:
        with suppress(ConnectionError):
            async for line in reader:
                if line.endswith(b"\n"):  # The last of one that was killed may be a part.
                    worker.told(read_report(line))
    finally:
        writer.close()


async def _stop(process: asyncio.subprocess.Process, worker: Worker) -> None:
    """Have the worker drain and end, unless it has ended already."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOPPED_WITHIN.total_seconds()):
            await process.wait()
    except TimeoutError:
        log.error("worker does not end and is killed", worker=worker.number, pid=process.pid)  # noqa: TRY400
        process.kill()
        await process.wait()


@contextmanager
def _held_port(host: str, port: int) -> Iterator[int]:
    """Keep a port for the workers, also while none of them listens; with port 0, one that is free.

    Raises:
        Fault: it is not to be had.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise Fault("This system lets no processes share a port.", "Leave out --workers.")
    with ExitStack() as stack:
        try:
            for family, kind, protocol, _, address in socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            ):
                # Bound and not listening, it gets no connections.
                held = stack.enter_context(socket.socket(family, kind, protocol))
                held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                held.bind((address[0], port, *address[2:]))
                port = held.getsockname()[1]
        except OSError as error:
            raise Fault(
                f"Port {port} on {host} cannot be used: {error.strerror}.",
                "Stop what listens there, or set STUDYSPOT_FANOUT_PORT.",
            ) from error
        yield port
