"""Resuming over every loss: of the socket, the window, the fan-out, NATS, the stream and the history."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from studyspot.broker.stream import STREAM, delete_stream, ensure_stream
from studyspot.domain.events import Event
from studyspot.embedded.ports import free_port
from studyspot.ws_fanout.app import Fanout
from studyspot.ws_fanout.limits import Limits
from tests.engines import NatsServer
from tests.ws_fanout.bootstrap_bucket import keep_bootstrap
from tests.ws_fanout.events import EPOCH, booked, library_created
from tests.ws_fanout.live import LIMIT, Log, connected, fanout_at, log_at, until, wire
from tests.ws_fanout.people import AUDIENCE, ISSUER, KEY, token


def bookings(count: int, *, student: str = "s9") -> list[Event]:
    return [booked(student=student, booking=f"B{number}") for number in range(count)]


def since(position: int, epoch: str = EPOCH) -> dict[str, Any]:
    return {"epoch": epoch, "position": position}


async def test_a_resume_within_the_window_reads_nothing_from_the_broker(
    nats_server: NatsServer, log: Log
) -> None:
    await log.append(library_created(), *bookings(50))
    async with fanout_at(nats_server.urls.fanout) as fanout:
        nats_server.freeze()
        async with connected(fanout.port, "s1", rooms=["library:L1"], since=since(10)) as client:
            await client.receive_until("caught-up", position=51)

            assert client.frames[0]["resume"] == "replaying"
            assert client.positions == list(range(11, 52))
        nats_server.thaw()


async def test_a_resume_older_than_the_window_is_served_from_the_stream_and_goes_on_live(
    nats_url: str, log: Log
) -> None:
    others = [booked("L2", f"t{number}", f"T{number}") for number in range(400)]
    await log.append(library_created(), *bookings(300), *others, *bookings(5, student="s1"))
    async with (
        fanout_at(nats_url, limits=Limits(window_events=20)) as fanout,
        connected(fanout.port, "s1", rooms=["library:L1"], since=since(0)) as client,
    ):
        caught_up = asyncio.create_task(client.receive_until("caught-up"))
        await log.append(*bookings(3, student="s1"))
        await caught_up
        while client.positions[-1] < log.head:
            await client.receive()

        assert client.positions == [*range(1, 302), *range(702, 710)]


def broker_reads(registry: CollectorRegistry) -> int:
    """Return how many ranges of the stream have been read for sockets that came back."""
    return int(registry.get_sample_value("studyspot_fanout_broker_reads_total") or 0)


@pytest.fixture
def registry() -> CollectorRegistry:
    """What a node counts on."""
    return CollectorRegistry()


PATIENT = Limits(connect_within=timedelta(minutes=1))
"""Who has opened a socket may wait for others before it connects."""


async def storm(fanout: Fanout, points: Sequence[int], *, head: int) -> list[list[int]]:
    """Drop as many sockets at once as there are points; return what each is brought when it comes back.

    They are in rooms of their own, and every other one in that of the library as well. All are open before
    the first of them says where it was.
    """
    are_open = asyncio.Barrier(len(points))

    async def drop(number: int) -> None:
        async with connected(fanout.port, f"r{number}"):
            pass

    async def resume(number: int, point: int) -> list[int]:
        rooms = ["library:L1"] if number % 2 == 0 else []
        frame = {"type": "connect", "token": token(f"r{number}"), "rooms": rooms, "since": since(point)}
        async with wire(fanout.port) as client:
            await are_open.wait()
            await client.send(frame)
            await client.receive_until("caught-up", position=head)
            return client.positions

    async with asyncio.timeout(60):
        await asyncio.gather(*(drop(number) for number in range(len(points))))
        return await asyncio.gather(*(resume(number, point) for number, point in enumerate(points)))


async def test_a_storm_of_resumes_within_the_window_reads_nothing_from_the_broker(
    nats_server: NatsServer, log: Log, registry: CollectorRegistry
) -> None:
    await log.append(library_created(), *bookings(149))
    async with fanout_at(nats_server.urls.fanout, limits=PATIENT, registry=registry) as fanout:
        points = [number % 150 for number in range(200)]
        found = await storm(fanout, points, head=150)
        assert broker_reads(registry) == 0

    for number, point in enumerate(points):
        assert found[number] == (list(range(point + 1, 151)) if number % 2 == 0 else [1][point:])


async def test_a_storm_of_resumes_older_than_the_window_is_read_together(
    nats_url: str, log: Log, registry: CollectorRegistry
) -> None:
    await log.append(library_created(), *bookings(149))
    limits = replace(PATIENT, window_events=10)
    async with fanout_at(nats_url, limits=limits, registry=registry) as fanout:
        points = [20 + number % 100 for number in range(200)]
        found = await storm(fanout, points, head=150)
        # On a busy machine they do not all come back at the same moment.
        assert 1 <= broker_reads(registry) <= 10

    for number, point in enumerate(points):
        assert found[number] == (list(range(point + 1, 151)) if number % 2 == 0 else [])


async def test_an_old_join_replays_from_the_stream_while_other_rooms_go_on(nats_url: str, log: Log) -> None:
    await log.append(library_created(), *bookings(2000))
    async with (
        fanout_at(nats_url, limits=Limits(window_events=10)) as fanout,
        connected(fanout.port, "s1") as client,
    ):
        await client.send({"type": "join", "id": 2, "rooms": ["library:L1"], "since": since(0)})
        await log.append(*bookings(1, student="s1"))
        await client.receive_until("caught-up")
        while client.positions.count(2002) == 0 or len(client.positions) < 2002:
            await client.receive()

    by_library = [f["position"] for f in client.frames if f["type"] == "event" and "library:L1" in f["rooms"]]
    assert by_library == sorted(by_library)
    assert sorted(client.positions) == list(range(1, 2003))


@pytest.mark.parametrize("asked", [since(3, "another"), since(0)])
async def test_what_the_stream_cannot_bring_needs_a_snapshot(nats_url: str, asked: dict[str, Any]) -> None:
    async with (
        log_at(nats_url, first_position=101) as log,
        fanout_at(nats_url) as fanout,
    ):
        await log.append(*bookings(5))
        await until(lambda: fanout.hub.head == 105)
        async with (
            connected(fanout.port, "s1", rooms=["library:L1"], since=asked) as client,
            connected(fanout.port, "s1", rooms=["library:L1"], since=since(100)) as just,
        ):
            await log.append(*bookings(1))
            await client.receive_until("event")
            await just.receive_until("event", position=106)

            assert client.frames[0]["resume"] == "snapshot-required"
            assert client.positions == [106]
            assert just.frames[0]["resume"] == "replaying"
            assert just.positions == [101, 102, 103, 104, 105, 106]


async def test_what_the_stream_has_forgotten_by_its_age_needs_a_snapshot(nats_url: str, log: Log) -> None:
    await log.append(library_created(), *bookings(20))
    await keep_bootstrap(log.nc, log.events)
    async with fanout_at(nats_url, limits=Limits(window_events=5)) as fanout:
        js = log.nc.jetstream()
        config = (await js.stream_info(STREAM)).config
        await js.update_stream(config.evolve(max_age=0.2, duplicate_window=0.1))
        async with asyncio.timeout(LIMIT):
            while (await js.stream_info(STREAM)).state.messages:  # noqa: ASYNC110  # The server tells nobody.
                await asyncio.sleep(0.05)
        await js.update_stream(config)
        await log.append(*bookings(10))
        await until(lambda: fanout.hub.head == 31)

        # The node may find out only when it looks: then it sends the client to come back and be told.
        async with connected(fanout.port, "s1", rooms=["library:L1"], since=since(10)) as client:
            if client.frames[0]["resume"] == "replaying":
                assert await client.closed() == 1012
        async with connected(fanout.port, "s1", rooms=["library:L1"], since=since(10)) as client:
            assert client.frames[0]["resume"] == "snapshot-required"
        async with connected(fanout.port, "s1", rooms=["library:L1"], since=since(21)) as client:
            await client.receive_until("caught-up", position=31)
            assert client.positions == list(range(22, 32))

    # One that begins now takes the rights from the bucket.
    async with (
        fanout_at(nats_url, limits=Limits(window_events=5)) as fanout,
        connected(fanout.port, "o1", "library_owner", since=since(21)) as owner,
    ):
        await owner.receive_until("caught-up", position=31)
        assert owner.frames[0]["rooms"] == [{"room": "library:L1:staff", "joined": True}]
        assert owner.positions == list(range(22, 32))


async def test_losing_nats_is_told_with_the_time_and_nothing_is_missed_when_it_is_back(
    nats_server: NatsServer, log: Log
) -> None:
    async with (
        fanout_at(nats_server.urls.fanout) as fanout,
        connected(fanout.port, "s1", rooms=["library:L1"]) as client,
    ):
        await log.append(library_created(), *bookings(5))
        await client.receive_until("event", position=6)

        nats_server.kill()
        stale = await client.receive_until("heartbeat")
        assert stale["staleSince"] < stale["serverNow"]
        assert stale["position"] == 6

        nats_server.restart()
        await until(lambda: log.nc.is_connected)
        fresh = await client.receive_until("heartbeat")
        assert "staleSince" not in fresh
        await log.append(*bookings(5))
        await client.receive_until("event", position=11)
        assert client.positions == list(range(1, 12))


async def test_a_stream_that_is_made_again_brings_nothing_twice(nats_url: str, log: Log) -> None:
    async with fanout_at(nats_url) as fanout, connected(fanout.port, "s1", rooms=["library:L1"]) as client:
        await log.append(library_created(), *bookings(5))
        await client.receive_until("event", position=6)

        js = log.nc.jetstream()
        await delete_stream(js)
        await ensure_stream(js, epoch=EPOCH)
        await log.append()
        await log.append(*bookings(2))

        await client.receive_until("event", position=8)
        assert client.positions == list(range(1, 9))


async def test_a_resume_waits_for_a_stream_that_is_being_published_again(
    nats_url: str, log: Log, registry: CollectorRegistry
) -> None:
    await log.append(library_created(), *bookings(50))
    async with fanout_at(nats_url, limits=Limits(window_events=5), registry=registry) as fanout:
        js = log.nc.jetstream()
        await delete_stream(js)
        await ensure_stream(js, epoch=EPOCH)
        async with connected(fanout.port, "s1", rooms=["library:L1"], since=since(10)) as client:
            caught_up = asyncio.create_task(client.receive_until("caught-up"))
            await until(lambda: broker_reads(registry) > 0)
            await log.append(*bookings(3))
            await caught_up
            while client.positions[-1] < log.head:
                await client.receive()

            assert client.frames[0]["resume"] == "replaying"
            assert client.positions == list(range(11, 55))


async def test_a_new_epoch_closes_the_sockets_and_they_learn_that_a_snapshot_is_needed(
    nats_url: str, log: Log
) -> None:
    async with fanout_at(nats_url) as fanout, connected(fanout.port, "s1") as client:
        await log.append(library_created(), *bookings(5))
        await client.receive_until("event", position=1)

        js = log.nc.jetstream()
        await delete_stream(js)
        await ensure_stream(js, epoch="k4")
        log.epoch = "k4"
        await log.append()

        assert await client.closed() == 1012
        await until(lambda: fanout.is_ready and fanout.hub.head == 6)
        async with connected(fanout.port, "s1", since=since(6)) as again:
            assert again.frames[0]["resume"] == "snapshot-required"
            assert again.frames[0]["epoch"] == "k4"


async def test_rights_and_window_survive_a_restart_of_the_node(nats_url: str, log: Log) -> None:
    async with fanout_at(nats_url) as fanout, connected(fanout.port, "o1", "library_owner") as owner:
        await log.append(library_created("L1", "o1"), *bookings(3))
        await owner.receive_until("event", position=4)
    async with (
        fanout_at(nats_url, limits=Limits(window_events=2)) as fanout,
        connected(fanout.port, "o1", "library_owner", since=since(2)) as owner,
    ):
        await owner.receive_until("caught-up", position=4)

        assert owner.frames[0]["rooms"] == [{"room": "library:L1:staff", "joined": True}]
        assert [frame["rooms"][0] for frame in owner.frames[1:3]] == ["library:L1:staff"] * 2


NODE = """
import sys
from pathlib import Path
import orjson
from studyspot.access.tokens import Verifier
from studyspot.telemetry import configure_logging
from studyspot.ws_fanout.app import FanoutConfig, serve
nats_url, port, issuer, audience = sys.argv[1:5]
configure_logging("info", "json")
verifier = Verifier.of([orjson.loads(Path(sys.argv[5]).read_bytes())], issuer=issuer, audience=audience)
serve(FanoutConfig(nats_url=nats_url, verifier=verifier, host="127.0.0.1", port=int(port)), metrics_port=None)
"""


@asynccontextmanager
async def node_process(nats_url: str, port: int, home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A node in a process of its own, once it lets sockets in."""
    keys = home / "jwks.json"
    keys.write_bytes(orjson.dumps(KEY.jwks()))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", NODE, nats_url, str(port), ISSUER, AUDIENCE, str(keys)
    )
    try:
        async with asyncio.timeout(2 * LIMIT), httpx.AsyncClient() as http:
            while True:
                try:
                    if (await http.get(f"http://127.0.0.1:{port}/health")).json()["ready"]:
                        break
                except httpx.TransportError:
                    assert process.returncode is None
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Roaming:
    """A client that comes back to `port` for as long as it is let, and keeps what each room brought."""

    def __init__(self, port: int, user: str, rooms: list[str]) -> None:
        self.positions: list[int] = []
        self._port = port
        self._user = user
        self._rooms = rooms
        self._point: int | None = None

    async def roam(self) -> None:
        while True:
            try:
                await self._one_connection()
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                await asyncio.sleep(0.05)

    async def _one_connection(self) -> None:
        async with wire(self._port) as client:
            frame: dict[str, Any] = {"type": "connect", "token": token(self._user), "rooms": self._rooms}
            if self._point is not None:
                frame["since"] = since(self._point)
            await client.send(frame)
            self._point = (await client.receive())["head"] if self._point is None else self._point
            while True:
                frame = orjson.loads(await client.connection.recv())
                if frame["type"] == "event":
                    # It is in one room that sees anything, so positions are that room's.
                    self.positions.append(frame["position"])
                    self._point = frame["position"]


async def test_clients_miss_and_repeat_nothing_while_fanout_and_nats_are_killed(
    nats_server: NatsServer, log: Log, tmp_path: Path
) -> None:
    port = free_port()
    clients = [Roaming(port, f"s{number}", ["library:L1"]) for number in range(10)]
    async with asyncio.TaskGroup() as tasks:
        roaming: list[asyncio.Task[None]] = []
        for kill in ("fanout", "nats", "fanout", "stop"):
            async with node_process(nats_server.urls.fanout, port, tmp_path) as node:
                roaming = roaming or [tasks.create_task(client.roam()) for client in clients]
                await until(lambda: all(client._point is not None for client in clients))
                await log.append(*bookings(50))
                if kill == "nats":
                    nats_server.kill()
                    nats_server.restart()
                elif kill == "fanout":
                    os.kill(node.pid, signal.SIGKILL)
                    await node.wait()
                await log.append(*bookings(50))
                if kill != "fanout":
                    await until(lambda: all(client.positions[-1:] == [log.head] for client in clients))
        for task in roaming:
            task.cancel()

    for client in clients:
        assert client.positions == list(range(1, log.head + 1))


async def test_sigterm_sends_everyone_elsewhere_and_ends_well(
    nats_url: str, log: Log, tmp_path: Path
) -> None:
    port = free_port()
    async with node_process(nats_url, port, tmp_path) as node, connected(port, "s1") as client:
        node.send_signal(signal.SIGTERM)

        async with asyncio.timeout(LIMIT):
            assert await client.closed() == 4002
            assert await node.wait() == 0
