"""The contract's table of events on the wire, over real sockets of both protocols: who is told what."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from studyspot.broker.buckets import ensure_buckets, put_name
from studyspot.catalogue.types import EVENT_CLASSES
from tests.engines import NatsServer
from tests.ws_fanout.events import announced, booked, library_created, staff_added
from tests.ws_fanout.live import LIMIT, Log, Wire, connected, fanout_at, log_at
from tests.ws_fanout.people import token
from tests.ws_fanout.socket_io.booking_rows import booking_rows
from tests.ws_fanout.socket_io.library_rows import library_rows
from tests.ws_fanout.socket_io.node_clients import NodeClients, NodeProcess, node_clients
from tests.ws_fanout.socket_io.notice_rows import notice_rows, rows_of_nobody
from tests.ws_fanout.socket_io.rows import NativeFrame, told_by_packets, told_natively
from tests.ws_fanout.socket_io.seat_rows import seat_rows
from tests.ws_fanout.socket_io.told import Ear, Packet
from tests.ws_fanout.socket_io.viewers import VIEWERS, Viewer

ROWS = {
    row.title: row
    for row in (*booking_rows(), *seat_rows(), *library_rows(), *notice_rows(), *rows_of_nobody())
}


@dataclass(frozen=True, slots=True)
class Told:
    """What every viewer was told, by position; and at which position each row's event stands."""

    natively: Mapping[str, Mapping[int, dict[str, Any]]]
    by_packets: Mapping[str, Mapping[int, list[Packet]]]
    positions: Mapping[str, int]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(nats_worker_server: NatsServer, node: NodeProcess) -> Told:
    """Everything in the table happens once, on one node, before a socket of each protocol for each viewer."""
    await nats_worker_server.clean()
    url = nats_worker_server.urls.admin
    async with (
        log_at(url) as log,
        node_clients(node) as clients,
        fanout_at(url) as fanout,
        AsyncExitStack() as stack,
    ):
        log.time = datetime.now(UTC)
        await log.append(*(library_created("L1", "o1"), library_created("L2", "o2")))
        await log.append(*(staff_added("L1", "t1"), staff_added("L2", "t2")))
        await _student_is_called_asha(log, fanout.port)
        wires = {
            name: await stack.enter_async_context(_native(fanout.port, viewer))
            for name, viewer in VIEWERS.items()
        }
        ears = {name: await _by_packets(clients, fanout.port, viewer) for name, viewer in VIEWERS.items()}

        positions = {}
        for title, row in ROWS.items():
            await log.append(*row.before, row.event)
            positions[title] = log.head
        await log.append(announced())

        await asyncio.gather(*(wire.receive_until("event", position=log.head) for wire in wires.values()))
        await asyncio.gather(*(ear.until_position(log.head) for ear in ears.values()))
        return Told(
            {name: _by_position(wire) for name, wire in wires.items()},
            {name: ear.packets for name, ear in ears.items()},
            positions,
        )


@pytest.mark.parametrize("title", ROWS)
@pytest.mark.parametrize("protocol", ["native", "socket.io"])
def test_everyone_is_told_what_the_table_says_and_nothing_else(told: Told, protocol: str, title: str) -> None:
    row, position = ROWS[title], told.positions[title]
    if protocol == "native":
        expected = {name: told_natively(row, viewer.rooms) for name, viewer in VIEWERS.items()}
        frames = {name: told.natively[name].get(position) for name in VIEWERS}
        assert {
            name: frame and _compared(frame, expected[name]) for name, frame in frames.items()
        } == expected
    else:
        packets = {name: told.by_packets[name].get(position, []) for name in VIEWERS}
        assert packets == {name: told_by_packets(row, viewer.rooms) for name, viewer in VIEWERS.items()}


def test_the_table_has_every_event() -> None:
    assert {type(row.event) for row in ROWS.values()} == set(EVENT_CLASSES)


def _native(port: int, viewer: Viewer) -> Any:
    return connected(port, viewer.user, viewer.role, rooms=[f"library:{name}" for name in viewer.libraries])


async def _by_packets(clients: NodeClients, port: int, viewer: Viewer) -> Ear:
    client = clients.open(port, token(viewer.user, viewer.role))
    await client.ear.until_kind("connect")
    for library in viewer.libraries:
        assert (await client.ask("join:library", library))["ok"] is True
    await client.ear.until_offset()
    return client.ear


def _by_position(wire: Wire) -> dict[int, dict[str, Any]]:
    events = [frame for frame in wire.frames if frame["type"] == "event"]
    by_position = {frame["position"]: frame for frame in events}
    assert len(by_position) == len(events), "two frames of one position"
    return by_position


def _compared(frame: dict[str, Any], expected: NativeFrame | None) -> NativeFrame:
    event = frame["event"]
    facts = {name: event["data"].get(name) for name in expected.facts} if expected else event["data"]
    return NativeFrame(
        frame["name"], frozenset(frame["rooms"]), frozenset(event), frozenset(event["data"]), facts
    )


async def _student_is_called_asha(log: Log, port: int) -> None:
    """Wait until the node knows the name: nothing else tells when."""
    js = log.nc.jetstream()
    await ensure_buckets(js)
    await put_name(js, "s1", "Asha")
    async with asyncio.timeout(LIMIT), connected(port, "o1", "library_owner") as owner:
        name = ""
        while name != "Asha":
            await log.append(booked(booking=f"Z{log.head}"))
            frame = await owner.receive_until("event", position=log.head)
            name = frame["event"]["data"]["studentName"]
