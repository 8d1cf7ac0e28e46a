"""A node with real sockets and no stream: the test brings the events, and says whether it is ready."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry

from studyspot.domain.events import Event
from studyspot.ws_fanout.addresses import Proxies
from studyspot.ws_fanout.ending import end_tasks
from studyspot.ws_fanout.gate import Gate
from studyspot.ws_fanout.handshake import Handshakes
from studyspot.ws_fanout.health import Health
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.metrics import FanoutMetrics
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.readout import health_of
from studyspot.ws_fanout.rights import Rights
from studyspot.ws_fanout.routed import routed
from studyspot.ws_fanout.server import FanoutServer
from studyspot.ws_fanout.socket_io.scene import Scene
from tests.ws_fanout.events import EPOCH, START, message
from tests.ws_fanout.live import LIMIT
from tests.ws_fanout.oblivion import Oblivion
from tests.ws_fanout.people import VERIFIER

PROXY = "127.0.0.1"


@dataclass(eq=False)
class Door:
    """The node; `ready` and `stream_head` are for the test to change."""

    hub: Hub
    gate: Gate
    handshakes: Handshakes
    server: FanoutServer
    registry: CollectorRegistry
    port: int = 0
    ready: bool = True
    stream_head: int = 0

    def publish(self, *events: Event, time: datetime = START) -> None:
        first = self.hub.head + 1
        batch = [message(first + index, event, time=time) for index, event in enumerate(events)]
        self.hub.publish([routed(one) for one in batch])

    def counted(self, name: str, **labels: str) -> float:
        """Return a metric as Prometheus would see it."""
        return self.registry.get_sample_value(f"studyspot_fanout_{name}", labels) or 0.0


@asynccontextmanager
async def opened(
    limits: Limits | None = None, *, allowed_origins: tuple[str, ...] = ()
) -> AsyncIterator[Door]:
    """A node that lets sockets in, and believes a proxy on this machine."""
    limits = limits or Limits()
    woken, registry = asyncio.Event(), CollectorRegistry()
    hub = Hub(
        verifier=VERIFIER,
        name_of=lambda user: user,
        limits=limits,
        clock=lambda: Now(time.monotonic(), datetime.now(UTC)),
        wake=woken.set,
        metrics=FanoutMetrics(registry),
        memory=Oblivion(),
    )
    hub.begin(EPOCH, 0, 1, Rights(), Scene())
    gate = Gate(limits, time.monotonic)

    def health() -> Health:
        head = max(hub.head, door.stream_head)
        return health_of(hub, ready=door.ready, stream_head=head, waits_for=None)

    handshakes = Handshakes(
        gate, limits=limits, metrics=hub.metrics, proxies=Proxies((PROXY,)), health=health
    )
    server = FanoutServer(hub, handshakes, limits=limits, allowed_origins=allowed_origins)
    door = Door(hub, gate, handshakes, server, registry)
    door.port = await server.start("127.0.0.1", 0)
    tasks = [asyncio.create_task(_drive(hub, woken)), asyncio.create_task(_tick(hub))]
    try:
        yield door
    finally:
        server.abort()
        await end_tasks(tasks)


async def said_to(door: Door, data: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes, and nothing more with `half_close`; return what comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    try:
        writer.write(data)
        if half_close:
            await writer.drain()
            writer.write_eof()
        async with asyncio.timeout(LIMIT):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def _drive(hub: Hub, woken: asyncio.Event) -> None:
    while True:
        await woken.wait()
        woken.clear()
        while hub.step():  # noqa: ASYNC110  # Each turn does a part.
            await asyncio.sleep(0)


async def _tick(hub: Hub) -> None:
    while True:
        await asyncio.sleep(0.02)
        hub.tick()
