"""A fan-out's workers, kept by their parent: what dies or hangs is started again, and all end together."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from studyspot.console.faults import Fault
from studyspot.embedded.delays import Delays
from studyspot.telemetry import Readiness
from studyspot.ws_fanout.worker import read_report

STOPPED_WITHIN = timedelta(seconds=9)
"""A worker drains within eight seconds, and whoever stops us waits for ten."""
MOST_FAILED_STARTS = 3
SILENT_AFTER = timedelta(seconds=5)
"""Then it is not ready."""
HUNG_AFTER = timedelta(seconds=30)
"""Then it is killed; to start takes less, even where NATS is slow."""
_LOOK_EVERY = timedelta(milliseconds=500)

log = structlog.get_logger()


@dataclass(slots=True)
class Worker:
    """One of the workers: the process that it is now, and what that told last."""

    number: int
    silent_after: timedelta
    pid: int | None = None
    since: datetime | None = None
    restarts: int = 0
    has_been_ready: bool = False
    report: Readiness | None = None
    reported_at: float = 0.0

    def begins(self) -> None:
        self.since, self.has_been_ready = datetime.now(UTC), False

    def told(self, report: Readiness) -> None:
        self.report, self.reported_at = report, time.monotonic()
        self.has_been_ready |= report.ready

    def ended(self) -> None:
        self.pid, self.report = None, None

    @property
    def is_ready(self) -> bool:
        """Whether it said so, not long ago."""
        silent_for = timedelta(seconds=time.monotonic() - self.reported_at)
        return self.report is not None and self.report.ready and silent_for < self.silent_after

    @property
    def identity(self) -> dict[str, Any]:
        since = self.since.isoformat() if self.since is not None else None
        return {"worker": self.number, "pid": self.pid, "since": since, "restarts": self.restarts}

    @property
    def told_of_itself(self) -> dict[str, Any]:
        report = self.report
        said = {**report.details, **report.degraded} if report is not None else {}
        return {**said, **self.identity, "ready": self.is_ready}


class FanoutWorkers:
    """The workers of one port, each kept running."""

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        count: int,
        *,
        on_death: Callable[[int], None] = lambda _: None,
        stopped_within: timedelta = STOPPED_WITHIN,
        silent_after: timedelta = SILENT_AFTER,
        hung_after: timedelta = HUNG_AFTER,
    ) -> None:
        """Start none yet; `on_death` is told the process of each that dies unasked."""
        self._command = command
        self._environment = environment
        self._workers = [Worker(number, silent_after) for number in range(1, count + 1)]
        self._on_death = on_death
        self._stopped_within = stopped_within
        self._hung_after = hung_after

    async def run(self, stopped: asyncio.Event) -> None:
        """Keep every worker running until `stopped` is set; then all drain at once, within the limit.

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
        ready = all(worker.is_ready for worker in self._workers)
        return Readiness(ready, {"workers": [worker.told_of_itself for worker in self._workers]})

    def health(self) -> dict[str, Any]:
        """Say which process each worker is, since when, and how often it had to be started again."""
        return {"workers": [worker.identity for worker in self._workers]}

    async def _keep(self, worker: Worker) -> None:
        delays = Delays()
        failed_starts = 0
        while True:
            end = await self._live(worker)
            failed_starts = 0 if worker.has_been_ready else failed_starts + 1
            # While others serve, one that fails is no reason to send their clients away.
            if failed_starts >= MOST_FAILED_STARTS and not self._anyone_serves():
                raise Fault(
                    f"Worker {worker.number} of the fan-out ended {failed_starts} times before it was ready, "
                    f"last with {end}.",
                    "Mend what it said above, or see what it says without --workers.",
                )
            delay = delays.after_death()
            log.error("worker died", worker=worker.number, end=end, again_in=delay)
            await asyncio.sleep(delay)
            worker.restarts += 1

    def _anyone_serves(self) -> bool:
        return any(worker.pid is not None and worker.has_been_ready for worker in self._workers)

    async def _live(self, worker: Worker) -> str:
        """Run a worker until it ends, and return how it did; stop it when cancelled."""
        worker.begins()
        ours, theirs = socket.socketpair()
        with ours:
            try:
                with theirs:
                    process = await self._start(worker, theirs)
            except OSError as error:
                return f"no start: {error}"
            worker.pid = process.pid
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_listen(ours, worker))
                    watching = tasks.create_task(_watch(process, worker, self._hung_after))
                    try:
                        exit_code = await process.wait()
                    finally:
                        watching.cancel()
                        await _stop(process, worker, self._stopped_within)
            finally:
                worker.ended()
        self._on_death(process.pid)
        return f"exit status {exit_code}"

    async def _start(self, worker: Worker, channel: socket.socket) -> asyncio.subprocess.Process:
        # In our process group: who kills that, such as the supervisor of `up`, gets all of us.
        return await asyncio.create_subprocess_exec(
            *self._command, "--worker", str(worker.number), stdin=channel.fileno(), env=self._environment
        )


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


async def _watch(process: asyncio.subprocess.Process, worker: Worker, hung_after: timedelta) -> None:
    """Kill the worker once it has told nothing for so long: its sockets hear nothing either."""
    reported_at, silent_for = worker.reported_at, timedelta()
    while silent_for < hung_after:
        await asyncio.sleep(_LOOK_EVERY.total_seconds())
        if worker.reported_at != reported_at:
            reported_at, silent_for = worker.reported_at, timedelta()
        else:
            # Only time in which we ran ourselves: where all stood still, no worker is to blame.
            silent_for += _LOOK_EVERY
    log.error("worker hangs and is killed", worker=worker.number, pid=process.pid)
    with suppress(ProcessLookupError):
        process.kill()


async def _stop(process: asyncio.subprocess.Process, worker: Worker, limit: timedelta) -> None:
    """Have the worker drain and end, unless it has ended already."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(limit.total_seconds()):
            await process.wait()
    except TimeoutError:
        log.error("worker does not end and is killed", worker=worker.number, pid=process.pid)  # noqa: TRY400
        process.kill()
        await process.wait()
