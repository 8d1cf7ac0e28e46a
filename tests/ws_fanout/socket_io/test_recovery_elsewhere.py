"""A portal's client whose node, worker or broker is gone comes back to another, and is told nothing wrong."""

import asyncio
import os
import signal
from pathlib import Path

from studyspot.broker.buckets import SOCKETS, stream_of
from studyspot.broker.stream import delete_stream, ensure_stream, stream_state
from tests.engines import NatsServer
from tests.ws_fanout.events import announced, booked, library_created, service_changed
from tests.ws_fanout.fanout_process import fanout_process
from tests.ws_fanout.forwarder import forwarder
from tests.ws_fanout.live import LIMIT, Log, fanout_at, until
from tests.ws_fanout.socket_io.node_clients import NodeClients
from tests.ws_fanout.socket_io.recovering import (
    Story,
    a_client,
    comes_back,
    in_the_library,
    joins,
    the_line_is_cut,
)


async def test_another_node_knows_what_a_client_had(nats_url: str, log: Log, clients: NodeClients) -> None:
    """Each connection goes to the other one."""
    async with (
        fanout_at(nats_url) as one,
        fanout_at(nats_url) as other,
        forwarder(one.port, other.port) as balancer,
    ):
        await the_line_is_cut(balancer, log, clients, times=2)


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
