"""A real fan-out on a real NATS, with real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from nats.aio.client import Client as Nats
from prometheus_client import CollectorRegistry
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from studyspot.broker.connection import connect as connect_nats
from studyspot.broker.errors import BrokerError
from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.stream import StreamMessage, ensure_stream, stream_state
from studyspot.domain.events import Event
from studyspot.domain.people import Role
from studyspot.wire.frames import SUBPROTOCOL
from studyspot.ws_fanout.app import Fanout, FanoutConfig, running
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.bootstrap_bucket import keep_bootstrap
from tests.ws_fanout.events import EPOCH, START, message, pricing_updated
from tests.ws_fanout.people import VERIFIER, token

LIMIT = 30
ORIGIN = "https://portal.example"


class Log:
    """The stream, and its only publisher; `time` is when what is appended happened."""

    def __init__(self, nc: Nats) -> None:
        self.nc = nc
        self.events: list[Event] = []
        self.epoch = EPOCH
        self.time = START
        self._publisher = FencedPublisher(nc)

    @property
    def head(self) -> int:
        return len(self.events)

    async def append(self, *events: Event) -> None:
        """Publish events at the next positions, and whatever the stream has lost before them."""
        self.events += events
        js = self.nc.jetstream()
        async with asyncio.timeout(LIMIT):
            while True:
                try:
                    state = await stream_state(js)
                    assert state is not None
                    if missing := self._after(state.last_position):
                        await self._publisher.publish(missing)
                    return
                except BrokerError:
                    await asyncio.sleep(0.05)

    def _after(self, position: int) -> list[StreamMessage]:
        return [
            message(index, event, epoch=self.epoch, time=self.time)
            for index, event in enumerate(self.events[position:], start=position + 1)
        ]

    async def close(self) -> None:
        await self._publisher.close()


@asynccontextmanager
async def log_at(nats_url: str, *, first_position: int = 1) -> AsyncIterator[Log]:
    """The log in a stream that begins at `first_position`; what was before is forgotten."""
    nc = await connect_nats(nats_url, name="test log")
    try:
        await ensure_stream(nc.jetstream(), epoch=EPOCH, first_position=first_position)
        log = Log(nc)
        log.events = [pricing_updated()] * (first_position - 1)
        if log.events:
            await keep_bootstrap(nc, log.events)
        yield log
        await log.close()
    finally:
        await nc.close()


@asynccontextmanager
async def fanout_at(
    nats_url: str, *, limits: Limits | None = None, port: int = 0, registry: CollectorRegistry | None = None
) -> AsyncIterator[Fanout]:
    """A node that lets sockets in; its metrics are on `registry`."""
    config = FanoutConfig(
        nats_url=nats_url,
        verifier=VERIFIER,
        host="127.0.0.1",
        port=port,
        allowed_origins=(ORIGIN,),
        limits=limits or Limits(),
    )
    async with running(config, registry=registry) as fanout:
        await until(lambda: fanout.is_ready)
        yield fanout


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition()` holds, with a limit."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110  # What is awaited is beyond this loop.
            await asyncio.sleep(0.01)


class Wire:
    """One client's connection, frame by frame."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[dict[str, Any]] = []

    @property
    def positions(self) -> list[int]:
        return [frame["position"] for frame in self.frames if frame["type"] == "event"]

    async def send(self, frame: dict[str, Any] | str | bytes) -> None:
        await self.connection.send(orjson.dumps(frame).decode() if isinstance(frame, dict) else frame)

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(LIMIT):
            frame: dict[str, Any] = orjson.loads(await self.connection.recv())
        self.frames.append(frame)
        return frame

    async def receive_until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Receive up to and with the first frame of this kind that has these fields."""
        while True:
            frame = await self.receive()
            if frame["type"] == kind and fields.items() <= frame.items():
                return frame

    async def closed(self) -> int:
        """Receive until the other side closes, and return the code."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed:
            assert self.connection.close_code is not None
            return self.connection.close_code


@asynccontextmanager
async def wire(
    port: int, *, origin: str | None = None, path: str = "/ws", **options: Any
) -> AsyncIterator[Wire]:
    """A socket that has yet to connect."""
    async with connect(
        f"ws://127.0.0.1:{port}{path}",
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        origin=Origin(origin) if origin else None,
        open_timeout=LIMIT,
        close_timeout=1,
        **options,
    ) as connection:
        yield Wire(connection)


@asynccontextmanager
async def connected(
    port: int, user: str, role: Role = "student", *, options: dict[str, Any] | None = None, **frame: Any
) -> AsyncIterator[Wire]:
    """A socket that has connected; the answer is its first frame."""
    async with wire(port, **(options or {})) as client:
        await client.send({"type": "connect", "id": 1, "token": token(user, role), **frame})
        await client.receive()
        yield client
