"""`studyspot fanout --workers N`: several processes behind one port, and one parent for all.

The kernel shares connections among those that listen on the port. The parent holds no socket of any client.
"""

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import ExitStack

import structlog
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from studyspot.console.fanout_workers import FanoutWorkers
from studyspot.console.listening import held_port
from studyspot.settings import Settings
from studyspot.telemetry import serve_metrics

log = structlog.get_logger()


def run_workers(settings: Settings, count: int, *, environment_only: bool) -> None:
    """Run `count` workers until SIGTERM or SIGINT; then all of them drain.

    Raises:
        Fault: workers cannot be had here, or end again and again before they are ready.
    """
    command = [sys.executable, "-m", "studyspot", "fanout"]
    if environment_only:
        command.append("--environment-only")
    host = settings.fanout_host
    with ExitStack() as stack:
        port = stack.enter_context(held_port(host, settings.fanout_port))
        log.info("fan-out workers", host=host, port=port, workers=count)
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


async def _run(workers: FanoutWorkers) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await workers.run(stopped)
