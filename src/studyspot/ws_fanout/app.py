"""The fan-out process: NATS on one side, sockets on the other."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog
import uvloop
from prometheus_client import REGISTRY, CollectorRegistry

from studyspot.access.tokens import Verifier
from studyspot.broker.connection import connect
from studyspot.telemetry import Readiness, serve_metrics
from studyspot.ws_fanout.addresses import Proxies
from studyspot.ws_fanout.descriptors import within_descriptors
from studyspot.ws_fanout.ending import end_tasks
from studyspot.ws_fanout.feed import Feed
from studyspot.ws_fanout.garbage import Garbage, seldom_looked_for
from studyspot.ws_fanout.gate import Gate
from studyspot.ws_fanout.handshake import Handshakes
from studyspot.ws_fanout.health import Health
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.metrics import FanoutMetrics
from studyspot.ws_fanout.names import Names
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.readout import health_of, sample_of
from studyspot.ws_fanout.server import FanoutServer
from studyspot.ws_fanout.socket_io.recollection import Recollection
from studyspot.ws_fanout.stream_reader import StreamReader
from studyspot.ws_fanout.worker import reporting

TICK = timedelta(milliseconds=100)
SAMPLE_EVERY = timedelta(milliseconds=500)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutConfig:
    """What the process is told; with port 0 it finds a free one. With `shares_port`, others may share it."""

    nats_url: str
    verifier: Verifier
    host: str
    port: int
    shares_port: bool = False
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


class Fanout:
    """A running node; `port` is where it listens."""

    def __init__(self, hub: Hub, feed: Feed, server: FanoutServer, port: int) -> None:
        self.hub = hub
        self.port = port
        self._feed = feed
        self._server = server

    @property
    def is_ready(self) -> bool:
        """Whether sockets are let in."""
        return self._feed.is_ready

    async def drain(self) -> None:
        """Send every socket elsewhere."""
        await self._server.drain()

    def readiness(self) -> Readiness:
        """Say whether the node lets sockets in and brings what is new."""
        health = _health(self.hub, self._feed)
        ready = health.ready and not health.draining and health.stale_since is None
        return Readiness(ready, health.details())


@asynccontextmanager
async def running(
    config: FanoutConfig, *, registry: CollectorRegistry | None = None, garbage: Garbage | None = None
) -> AsyncIterator[Fanout]:
    """Run a node inside; at the end its sockets are cut off, unless it was drained before.

    Its metrics are on `registry`; without one nobody reads them. What has the process to itself brings its
    `garbage`, which is then looked at between the events.

    Raises:
        BrokerUnavailable: NATS did not let us in.
        OSError: the address is not to be had.
    """
    nc = await connect(config.nats_url, name="studyspot fanout")
    try:
        names, woken, recollection = Names(), asyncio.Event(), Recollection(nc)
        hub = Hub(
            verifier=config.verifier,
            name_of=names.name_of,
            limits=config.limits,
            clock=_now,
            wake=woken.set,
            metrics=FanoutMetrics(registry or CollectorRegistry()),
            memory=recollection,
        )
        feed = Feed(nc, hub, window_events=config.limits.window_events)
        reader = StreamReader(nc, hub)
        handshakes = Handshakes(
            Gate(config.limits, time.monotonic),
            limits=config.limits,
            metrics=hub.metrics,
            proxies=Proxies(config.trusted_proxies),
            health=lambda: _health(hub, feed),
        )
        server = FanoutServer(hub, handshakes, limits=config.limits, allowed_origins=config.allowed_origins)
        port = await server.start(config.host, config.port, reuse_port=config.shares_port)
        try:
            async with asyncio.TaskGroup() as tasks:
                owned = [
                    tasks.create_task(work)
                    for work in (
                        feed.run(),
                        feed.look_at_stream(),
                        reader.run(),
                        names.follow(nc, on_removed=hub.forget_names),
                        recollection.run(),
                        config.verifier.follow(),
                        _drive(hub, woken, reader),
                        _tick(hub, handshakes, garbage),
                        _sample(hub, feed),
                        _listen(server, feed),
                    )
                ]
                try:
                    yield Fanout(hub, feed, server, port)
                finally:
                    await end_tasks(owned)
        finally:
            server.abort()
    finally:
        await nc.close()


def serve(config: FanoutConfig, *, metrics_port: int | None, parent: socket.socket | None = None) -> None:
    """Serve until SIGTERM or SIGINT; then clients are sent elsewhere, within `drain_within`.

    A worker also tells its `parent` how it is, and serves no longer than that lives.

    Raises:
        BrokerUnavailable: NATS did not let us in.
        BaseExceptionGroup: of what ended a part of it, such as `BrokerClosed`.
        OSError: a port is taken.
    """
    config = replace(config, limits=within_descriptors(config.limits))
    with seldom_looked_for() as garbage, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, metrics_port, parent, garbage))


async def _serve(
    config: FanoutConfig, metrics_port: int | None, parent: socket.socket | None, garbage: Garbage
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopped.set)
    async with (
        running(config, registry=REGISTRY, garbage=garbage) as fanout,
        _reporting(parent, fanout, stopped),
    ):
        stop_metrics = serve_metrics(metrics_port, fanout.readiness) if metrics_port is not None else None
        try:
            log.info("fan-out listening", host=config.host, port=fanout.port)
            await stopped.wait()
            await fanout.drain()
        finally:
            if stop_metrics is not None:
                stop_metrics()


def _reporting(
    parent: socket.socket | None, fanout: Fanout, stopped: asyncio.Event
) -> AbstractAsyncContextManager[None]:
    if parent is None:
        return nullcontext()
    return reporting(parent, fanout.readiness, on_parent_gone=stopped.set)


async def _drive(hub: Hub, woken: asyncio.Event, reader: StreamReader) -> None:
    """Do the hub's work a step at a time, so that sockets and stream have their turns in between."""
    while True:
        await woken.wait()
        woken.clear()
        while hub.step():
            reader.wake()
            await asyncio.sleep(0)
        reader.wake()


async def _tick(hub: Hub, handshakes: Handshakes, garbage: Garbage | None) -> None:
    while True:
        await asyncio.sleep(TICK.total_seconds())
        hub.tick()
        if garbage is not None:
            garbage.look(lost=handshakes.lost_count, sockets=hub.socket_count)


async def _listen(server: FanoutServer, feed: Feed) -> None:
    while not feed.is_ready:  # noqa: ASYNC110  # The hub is filled meanwhile, in many steps.
        await asyncio.sleep(TICK.total_seconds())
    await server.listen()


async def _sample(hub: Hub, feed: Feed) -> None:
    while True:
        hub.metrics.look(await sample_of(hub, stream_head=feed.stream_head, now=_now().time))
        await asyncio.sleep(SAMPLE_EVERY.total_seconds())


def _health(hub: Hub, feed: Feed) -> Health:
    return health_of(hub, ready=feed.is_ready, stream_head=feed.stream_head, waits_for=feed.trouble)


def _now() -> Now:
    return Now(time.monotonic(), datetime.now(UTC))
