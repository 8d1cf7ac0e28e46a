"""The process that keeps read models up."""

import asyncio
import signal
from collections.abc import Sequence
from functools import partial

import structlog

from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from studyspot.projections.announcing import Announcer
from studyspot.projections.convoy import Convoy
from studyspot.projections.errors import ProjectionStopped
from studyspot.projections.feed import Beginning, Feed
from studyspot.projections.metrics import observe_behind, observe_stop, recent_lags
from studyspot.projections.models.registry import named
from studyspot.projections.old_builds import OldBuilds
from studyspot.projections.recent_lag import LagRecorder
from studyspot.projections.worker import Worker
from studyspot.telemetry import Readiness

log = structlog.get_logger()


class AllStopped(Exception):
    """None of the process's projections can go on without an operator."""


class ProjectionsProcess:
    """Runs the workers of some projections, or of all."""

    def __init__(self, *, database_url: str, nats_url: str, names: Sequence[str] = ()) -> None:
        """Raises: UnknownProjection, a name is not one of a projection."""
        self._database_url = database_url
        self._nats_url = nats_url
        self._projections = named(names)
        self._workers: tuple[Worker, ...] = ()

    def readiness(self) -> Readiness:
        """Whether every projection keeps up with the log; `details` are their positions.

        Events that are parked degrade it: their keys stand still, all others go on.
        """
        workers = self._workers
        details = {worker.projection.name: worker.trouble or worker.position for worker in workers}
        parked = {worker.projection.name: worker.parked for worker in workers if worker.parked}
        ready = bool(workers) and all(worker.keeps_up for worker in workers)
        return Readiness(ready, details, {"parked": parked} if parked else {})

    def end(self) -> None:
        """Let `run` return, each worker after the batch that it is applying."""
        for worker in self._workers:
            worker.end()

    async def run(self) -> None:
        """Run until cancelled, or until SIGTERM or SIGINT ends it after the batches under way.

        A projection that meets an event it cannot apply stops alone; the others go on.

        Raises:
            AllStopped: no projection is left that could go on.
        """
        store = EventStore(self._database_url, read_connections=len(self._projections) + 1)
        with store:
            async with (
                HeadSignal(self._database_url) as head,
                Announcer(self._database_url) as announcer,
                Convoy(self._database_url) as convoy,
                LagRecorder(self._database_url, recent_lags),
                OldBuilds(self._database_url, self._projections),
            ):
                self._workers = tuple(
                    Worker(
                        projection,
                        database_url=self._database_url,
                        store=store,
                        signal=head,
                        announcer=announcer,
                        convoy=convoy,
                    )
                    for projection in self._projections
                )
                for worker in self._workers:
                    observe_behind(worker.projection.name, partial(_events_behind, worker, head))
                loop = asyncio.get_running_loop()
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.add_signal_handler(number, self.end)
                await run_workers(self._workers, self._nats_url)
        if all(worker.stopped for worker in self._workers):
            raise AllStopped("no projection can go on; each has said why")


async def run_workers(workers: Sequence[Worker], nats_url: str) -> None:
    """Run the workers, and one feed for all of them, until the last worker has ended."""

    def beginning() -> Beginning | None:
        needs = [worker.needs for worker in workers if worker.stopped is None]
        known = [need for need in needs if need is not None]
        return min(known, key=lambda need: need.position) if known and len(known) == len(needs) else None

    feed = Feed(nats_url, [worker.inbox for worker in workers], beginning)
    async with asyncio.TaskGroup() as tasks:
        feeding = tasks.create_task(feed.run(), name="feed")
        try:
            async with asyncio.TaskGroup() as working:
                for worker in workers:
                    working.create_task(_run(worker), name=f"worker-{worker.projection.name}")
        finally:
            feeding.cancel()


def _events_behind(worker: Worker, head: HeadSignal) -> int:
    return max(0, head.position - worker.position)


async def _run(worker: Worker) -> None:
    name = worker.projection.name
    observe_stop(name, stopped=False)
    try:
        await worker.run()
    except ProjectionStopped as stopped:
        observe_stop(name, stopped=True)
        log.error(  # noqa: TRY400  # One line says it all.
            "projection stopped",
            projection=name,
            position=worker.position,
            reason=stopped.reason,
            mend=stopped.mend,
        )
