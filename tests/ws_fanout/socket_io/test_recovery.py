"""A portal's client whose line is cut has all that it missed when it is back, once, and knows it."""

import pytest

from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.events import (
    announced,
    booked,
    library_created,
    service_changed,
    staff_added,
    staff_removed,
)
from tests.ws_fanout.forwarder import forwarder
from tests.ws_fanout.live import Log, fanout_at, until
from tests.ws_fanout.people import token
from tests.ws_fanout.socket_io.node_clients import NodeClients
from tests.ws_fanout.socket_io.raw import raw_client
from tests.ws_fanout.socket_io.recovering import (
    L1,
    Story,
    a_client,
    comes_back,
    in_the_library,
    the_line_is_cut,
)


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
        await client.ear.until_position(log.head)
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
