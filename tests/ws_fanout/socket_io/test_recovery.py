"""A portal's client whose line is cut has all that it missed when it is back, once, and knows it."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from studyspot.broker.buckets import SOCKETS, stream_of
from studyspot.broker.stream import delete_stream, ensure_stream, stream_state
from studyspot.domain.events import BookingCreated
from studyspot.domain.people import Role
from studyspot.ws_fanout.limits import Limits
from tests.engines import NatsServer
from tests.ws_fanout.events import (
    announced,
    booked,
    library_created,
    service_changed,
    staff_added,
    staff_removed,
)
from tests.ws_fanout.fanout_process import fanout_process
from tests.ws_fanout.forwarder import Forwarder, forwarder
from tests.ws_fanout.live import LIMIT, Log, fanout_at, until
from tests.ws_fanout.people import token
from tests.ws_fanout.socket_io.node_clients import SOON, NodeClient, NodeClients
from tests.ws_fanout.socket_io.raw import raw_client
from tests.ws_fanout.socket_io.stays import far_away

L1 = "library:L1"


class Story:
    """A booking of `s1` and a seat of the library, again and again."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._count = 0

    async def goes_on(self) -> None:
        number = self._count = self._count + 1
        booking = BookingCreated(**far_away("S0").terms(f"B{number}"))
        await self._log.append(booking, service_changed("L1", f"S{number}"))

    async def is_told_in_full(self, client: NodeClient) -> None:
        """Wait for the last of it; all of it has come once, and in order."""
        last, numbers = f"S{self._count}", range(1, self._count + 1)
        ear = client.ear
        await ear.until(lambda told: told.name == "seat:availability" and told.arguments[0]["seatId"] == last)
        bookings, seats = ear.events("booking:created"), ear.events("seat:availability")
        assert [told["bookingId"] for told in bookings] == [f"B{number}" for number in numbers]
        assert [told["seatId"] for told in seats] == [f"S{number}" for number in numbers]


async def a_client(clients: NodeClients, port: int, user: str = "s1", role: Role = "student") -> NodeClient:
    client = clients.open(port, token(user, role), **SOON)
    await client.ear.until_kind("connect")
    return client


async def in_the_library(client: NodeClient) -> None:
    """Be in it, for whichever node one comes back to."""
    await joins(client)
    await client.ear.until_offset()


async def joins(client: NodeClient) -> None:
    assert await client.ask("join:library", "L1") == {"ok": True, "room": L1}


async def comes_back(client: NodeClient, *, after: int) -> bool:
    """Wait until it has connected again, and return whether it was told that it recovered."""
    _, recovered = await client.ear.until_kind("connect", after=after)
    return bool(recovered)


async def test_a_client_whose_line_is_cut_misses_nothing_and_is_told_nothing_twice(
    nats_url: str, log: Log, clients: NodeClients
) -> None:
    async with fanout_at(nats_url) as node, forwarder(node.port) as line:
        await the_line_is_cut(line, log, clients, times=3)


async def test_what_the_node_has_forgotten_comes_from_the_stream(
    nats_url: str, log: Log, clients: NodeClients
) -> None:
    async with (
        fanout_at(nats_url, limits=Limits(window_events=1)) as node,
        forwarder(node.port) as line,
    ):
        await the_line_is_cut(line, log, clients, times=2)


async def test_a_line_that_is_cut_again_and_again_while_much_happens_costs_nothing(
    nats_url: str, log: Log, clients: NodeClients
) -> None:
    """Also while what was missed is still coming."""
    async with fanout_at(nats_url, limits=Limits(window_events=20)) as node, forwarder(node.port) as line:
        await log.append(library_created())
        client = await a_client(clients, line.port)
        await in_the_library(client)
        story = Story(log)
        for _ in range(5):
            before = len(client.ear.told)
            for _ in range(10):
                await story.goes_on()
            line.cut()
            await client.ear.until_kind("disconnect", after=before)
            for _ in range(10):
                await story.goes_on()
            line.mend()
            assert await comes_back(client, after=before)
        await story.is_told_in_full(client)


async def test_another_node_knows_what_a_client_had(nats_url: str, log: Log, clients: NodeClients) -> None:
    """Each connection goes to the other one."""
    async with (
        fanout_at(nats_url) as one,
        fanout_at(nats_url) as other,
        forwarder(one.port, other.port) as balancer,
    ):
        await the_line_is_cut(balancer, log, clients, times=2)


async def the_line_is_cut(line: Forwarder, log: Log, clients: NodeClients, *, times: int) -> None:
    await log.append(library_created())
    client = await a_client(clients, line.port)
    await in_the_library(client)
    story = Story(log)
    await story.goes_on()
    for _ in range(times):
        before = len(client.ear.told)
        line.cut()
        await client.ear.until_kind("disconnect", after=before)
        await story.goes_on()
        line.mend()
        assert await comes_back(client, after=before)
        await story.goes_on()
        await story.is_told_in_full(client)


async def test_a_node_that_is_started_again_knows_its_clients(
    nats_url: str, log: Log, clients: NodeClients
) -> None:
    await log.append(library_created())
    async with fanout_at(nats_url) as node:
        client = await a_client(clients, node.port)
        await in_the_library(client)
        story = Story(log)
        await story.goes_on()
        await story.is_told_in_full(client)
        before = len(client.ear.told)
    await story.goes_on()
    async with fanout_at(nats_url, port=node.port):
        assert await comes_back(client, after=before)
        await story.goes_on()
        await story.is_told_in_full(client)


async def test_a_worker_that_is_killed_costs_its_clients_nothing(
    nats_url: str, log: Log, clients: NodeClients, tmp_path: Path
) -> None:
    await log.append(library_created())
    story = Story(log)
    async with fanout_process(nats_url, tmp_path, "--workers", "2") as fanout:
        portals = [await a_client(clients, fanout.port) for _ in range(8)]
        for client in portals:
            await in_the_library(client)
        await story.goes_on()
        for client in portals:
            await story.is_told_in_full(client)
        await fanout.until(lambda answer: sum(one["sockets"] for one in answer.json()["workers"]) == 8)
        befores = [len(client.ear.told) for client in portals]

        killed = max(await fanout.workers(), key=lambda worker: worker["sockets"])
        os.kill(killed["pid"], signal.SIGKILL)
        await story.goes_on()

        await until(lambda: sum(len(one.ear.of_kind("disconnect")) for one in portals) == killed["sockets"])
        for client, before in zip(portals, befores, strict=True):
            if client.ear.of_kind("disconnect"):
                assert await comes_back(client, after=before)
            await story.is_told_in_full(client)


async def test_a_broker_that_is_started_again_costs_nothing(
    nats_server: NatsServer, log: Log, clients: NodeClients
) -> None:
    async with fanout_at(nats_server.urls.admin) as node, forwarder(node.port) as line:
        await log.append(library_created())
        client = await a_client(clients, line.port)
        await in_the_library(client)
        story = Story(log)
        await story.goes_on()
        await story.is_told_in_full(client)

        nats_server.kill()
        nats_server.restart()
        await story.goes_on()
        await story.is_told_in_full(client)

        before = len(client.ear.told)
        line.cut()
        await story.goes_on()
        line.mend()
        assert await comes_back(client, after=before)
        await story.is_told_in_full(client)


async def test_a_library_that_a_dead_node_had_yet_to_remember_is_not_taken_for_recovered(
    nats_server: NatsServer, log: Log, clients: NodeClients, tmp_path: Path
) -> None:
    nats_url = nats_server.urls.admin
    async with (
        fanout_process(nats_url, tmp_path) as doomed,
        fanout_at(nats_url) as other,
        forwarder(doomed.port, other.port) as balancer,
    ):
        await log.append(library_created())
        client = await a_client(clients, balancer.port)
        await client.ear.until_position(1)
        await has_remembered_one(log)
        before = len(client.ear.told)

        nats_server.freeze()
        await joins(client)
        doomed.process.kill()
        nats_server.thaw()

        assert not await comes_back(client, after=before)
        await in_the_library(client)
        await log.append(service_changed("L1", "S1"))
        assert (await client.ear.until_event("seat:availability"))["seatId"] == "S1"


async def has_remembered_one(log: Log) -> None:
    """Wait until the connection that there is would be known to any node."""
    async with asyncio.timeout(LIMIT):
        while True:
            state = await stream_state(log.nc.jetstream(), stream_of(SOCKETS))
            if state is not None and state.last_position:
                return
            await asyncio.sleep(0.01)


async def test_another_history_is_begun_anew(nats_url: str, log: Log, clients: NodeClients) -> None:
    async with fanout_at(nats_url) as node:
        await log.append(library_created())
        client = await a_client(clients, node.port)
        await in_the_library(client)
        before = len(client.ear.told)

        js = log.nc.jetstream()
        await delete_stream(js)
        await ensure_stream(js, epoch="k4")
        log.epoch = "k4"
        await log.append(booked(booking="B1"))

        assert not await comes_back(client, after=before)
        # It has to join again: nobody knows what it has.
        await log.append(service_changed("L1", "S1"), announced())
        await client.ear.until_event("global:notification", after=before)
        assert client.ear.events("seat:availability") == []


async def test_what_came_before_a_room_was_joined_is_not_brought_by_coming_back(
    nats_url: str, log: Log, clients: NodeClients
) -> None:
    async with fanout_at(nats_url) as node, forwarder(node.port) as line:
        await log.append(library_created())
        client = await a_client(clients, line.port)
        await log.append(service_changed("L1", "S1"))
        await until(lambda: node.hub.head == log.head)
        await in_the_library(client)
        before = len(client.ear.told)
        line.cut()
        await client.ear.until_kind("disconnect")
        await log.append(service_changed("L1", "S2"))
        line.mend()

        assert await comes_back(client, after=before)
        await client.ear.until_event("seat:availability")
        assert [told["seatId"] for told in client.ear.events("seat:availability")] == ["S2"]


async def test_a_room_that_was_left_is_not_brought_back(
    nats_url: str, log: Log, clients: NodeClients
) -> None:
    async with fanout_at(nats_url) as node, forwarder(node.port) as line:
        await log.append(library_created())
        client = await a_client(clients, line.port)
        await in_the_library(client)
        assert await client.ask("leave:library", "L1") == {"ok": True, "room": L1}
        await client.ear.until_offset()
        before = len(client.ear.told)
        line.cut()
        await client.ear.until_kind("disconnect")
        await log.append(service_changed("L1", "S1"), announced())
        line.mend()

        assert await comes_back(client, after=before)
        await client.ear.until_event("global:notification")
        assert client.ear.events("seat:availability") == []


async def test_rights_that_ended_meanwhile_are_not_brought_back(
    nats_url: str, log: Log, clients: NodeClients
) -> None:
    async with fanout_at(nats_url) as node, forwarder(node.port) as line:
        await log.append(library_created(), staff_added())
        client = await a_client(clients, line.port, "t1", "staff")
        await log.append(booked(booking="B1"))
        await client.ear.until_event("booking:created")
        before = len(client.ear.told)
        line.cut()
        await client.ear.until_kind("disconnect")
        await log.append(booked(booking="B2"), staff_removed(), booked(booking="B3"), announced())
        line.mend()

        assert await comes_back(client, after=before)
        await client.ear.until_event("global:notification")
        assert [told["bookingId"] for told in client.ear.events("booking:created")] == ["B1"]


async def test_what_is_remembered_of_one_person_is_no_others(nats_url: str, log: Log) -> None:
    await log.append(library_created())
    async with fanout_at(nats_url) as node:
        async with raw_client(node.port) as student:
            pid = await student.connect(token=token("s1"))
        await log.append(announced())
        await until(lambda: node.hub.head == log.head)

        async with raw_client(node.port) as thief, raw_client(node.port) as student:
            assert await thief.connect(token=token("s2"), pid=pid, offset="1") != pid
            assert await student.connect(token=token("s1"), pid=pid, offset="1") == pid

            await log.append(library_created("L9"))
            assert await thief.events_until("library:created") == ["library:created"]
            assert await student.events_until("library:created") == ["global:notification", "library:created"]


@pytest.mark.parametrize("offset", ["-1", "soon", "", None, 3, "9" * 30])
async def test_an_offset_that_cannot_be_ends_nothing(nats_url: str, log: Log, offset: object) -> None:
    await log.append(library_created())
    async with fanout_at(nats_url) as node:
        async with raw_client(node.port) as student:
            pid = await student.connect(token=token("s1"))
        async with raw_client(node.port) as student:
            assert await student.connect(token=token("s1"), pid=pid, offset=offset)
            await log.append(announced())
            assert (await student.events_until("global:notification"))[-1] == "global:notification"


async def test_a_client_that_was_further_than_this_node_is_told_nothing_twice(
    nats_url: str, log: Log
) -> None:
    await log.append(library_created())
    async with fanout_at(nats_url) as node:
        async with raw_client(node.port) as student:
            pid = await student.connect(token=token("s1"))
        async with raw_client(node.port) as student:
            assert await student.connect(token=token("s1"), pid=pid, offset=str(log.head + 1)) == pid
            await log.append(announced(), library_created("L2"))
            assert await student.events_until("library:created") == ["library:created"]


@pytest.mark.parametrize("pid", ["unknown", "", "a b", "x" * 500, None, 3, ["a"]])
async def test_a_pid_of_which_nothing_is_known_is_a_connection_like_any_other(
    nats_url: str, log: Log, pid: object
) -> None:
    async with fanout_at(nats_url) as node, raw_client(node.port) as student:
        assert await student.connect(token=token("s1"), pid=pid, offset="1") != pid
        await log.append(announced())
        assert await student.events_until("global:notification") == ["global:notification"]
