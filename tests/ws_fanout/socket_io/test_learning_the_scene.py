"""How a node that begins learns of libraries and seats from before its window, and over it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from websockets.asyncio.client import ClientConnection, connect

from studyspot.domain.events import Event, SeatRemoved
from studyspot.ws_fanout.beginning import learn_beginning
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.socket_io.scene import LibraryFacts, Scene
from tests.ws_fanout.bootstrap_bucket import keep_bootstrap
from tests.ws_fanout.events import (
    START,
    booked,
    cancelled,
    library_created,
    library_updated,
    service_changed,
)
from tests.ws_fanout.live import LIMIT, Log, fanout_at, log_at
from tests.ws_fanout.people import token

HOUR = timedelta(hours=1)
AS_CREATED = LibraryFacts("Quiet Place", ZoneInfo("Asia/Kolkata"))
AS_UPDATED = LibraryFacts("Quieter Place", ZoneInfo("Asia/Kolkata"))
FILLING = [cancelled(booking=f"B{number}") for number in range(20)]
"""What fills the window, so that whatever was before it is in no node's memory."""


async def learn(log: Log, *, window_events: int = 1) -> Scene:
    return (await learn_beginning(log.nc, window_events=window_events)).scene


async def test_libraries_from_before_the_window_are_read_from_the_stream(log: Log) -> None:
    await log.append(library_created("L1"), library_created("L2"), library_updated("L2"), *FILLING)

    scene = await learn(log)

    assert [scene.library(library) for library in ("L1", "L2", "L3")] == [AS_CREATED, AS_UPDATED, None]


async def test_libraries_that_the_stream_has_forgotten_are_in_the_bucket(nats_url: str) -> None:
    async with log_at(nats_url, first_position=101) as log:
        log.events[:3] = [library_created("L1"), library_created("L2"), library_updated("L2")]
        await keep_bootstrap(log.nc, log.events)
        await log.append(library_updated("L1"), library_created("L3"), *FILLING)

        scene = await learn(log)

        assert [scene.library(library) for library in ("L1", "L2", "L3")] == [
            *(AS_UPDATED, AS_UPDATED, AS_CREATED)
        ]


async def test_what_the_bucket_has_of_a_library_and_the_stream_has_newer_is_learnt_in_order(log: Log) -> None:
    older = replace(library_updated(), name="Renamed")
    events: list[Event] = [library_created(), older, *FILLING]
    await log.append(*events)
    await keep_bootstrap(log.nc, events)
    await log.append(library_updated(), *FILLING)

    assert (await learn(log)).library("L1") == AS_UPDATED


SERVICE: list[Event] = [
    *(service_changed(seat=seat) for seat in ("S1", "S2", "S3")),
    *(service_changed(seat=seat, in_service=True) for seat in ("S2", "S3")),
    SeatRemoved(library_id="L1", seat_id="S3", revoke_at=START),
]


def in_service(scene: Scene) -> dict[str, bool]:
    return {seat: scene.is_free("L1", seat, START) for seat in ("S1", "S2", "S3", "S4")}


async def test_a_seat_that_is_broken_since_long_ago_is_learnt_from_the_stream(log: Log) -> None:
    await log.append(library_created(), *SERVICE, *FILLING)

    assert in_service(await learn(log)) == {"S1": False, "S2": True, "S3": False, "S4": True}


async def test_seats_that_broke_before_the_stream_begins_are_in_the_bucket(nats_url: str) -> None:
    async with log_at(nats_url, first_position=101) as log:
        log.events[: len(SERVICE)] = SERVICE
        await keep_bootstrap(log.nc, log.events)
        assert in_service(await learn(log)) == {"S1": False, "S2": True, "S3": False, "S4": True}

        await log.append(service_changed(seat="S1", in_service=True), service_changed(seat="S4"), *FILLING)
        assert in_service(await learn(log)) == {"S1": True, "S2": True, "S3": False, "S4": False}


async def test_who_has_a_seat_is_known_of_the_window_alone_and_that_is_said(log: Log) -> None:
    await log.append(library_created(), booked(), *FILLING)

    scene = await learn(log, window_events=len(FILLING))

    assert not scene.knows(2)
    assert scene.knows(3)
    assert (await learn(log, window_events=1000)).knows(1)


async def test_every_node_that_comes_after_tells_of_libraries_that_the_stream_has_forgotten(
    nats_url: str,
) -> None:
    async with log_at(nats_url, first_position=101) as log:
        log.events[:2] = [library_created(), library_updated()]
        await keep_bootstrap(log.nc, log.events)
        await log.append(*FILLING)
        for _ in range(2):
            async with (
                fanout_at(nats_url, limits=Limits(window_events=1)) as node,
                student(node.port) as socket,
            ):
                await log.append(booked())
                booking = await payload_of("booking:created", socket)
                assert booking["libraryName"] == "Quieter Place"
                assert (booking["date"], booking["time"]) == ("2026-12-01", "14:30 - 16:30")


async def test_a_node_that_comes_after_tells_of_seats_as_the_one_before_it(nats_url: str, log: Log) -> None:
    now = datetime.now(UTC)
    log.time = now
    present: dict[str, Any] = {"start": now - HOUR, "end": now + HOUR, "occupied_until": now + HOUR}
    await log.append(library_created(), service_changed(seat="S18"), replace(booked(), **present))
    for number in range(2):
        # Somebody sits at the one, and the other is broken.
        back = service_changed(in_service=True)
        freed = replace(cancelled(booking=f"B{number}"), seat_id="S18", **present)
        async with fanout_at(nats_url) as node, student(node.port, "L1") as socket:
            for event, seat in ((back, "S17"), (freed, "S18")):
                await log.append(event)
                told = await payload_of("seat:availability", socket)
                assert (told["seatId"], told["available"]) == (seat, False)


@asynccontextmanager
async def student(port: int, library_id: str | None = None) -> AsyncIterator[ClientConnection]:
    """A student's socket that has connected, and is in the library's room."""
    url = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
    async with connect(url, close_timeout=1) as socket:
        await socket.send("40" + orjson.dumps({"token": token("s1")}).decode())
        await _heard("40", socket)
        if library_id is not None:
            await socket.send("421" + orjson.dumps(["join:library", library_id]).decode())
            assert orjson.loads(await _heard("431", socket))[0]["ok"] is True
        yield socket


async def payload_of(name: str, socket: ClientConnection) -> dict[str, Any]:
    """Return the payload of the next event of this name."""
    while True:
        event, payload = orjson.loads(await _heard("42", socket))
        if event == name:
            told: dict[str, Any] = payload
            return told


async def _heard(kind: str, socket: ClientConnection) -> str:
    async with asyncio.timeout(LIMIT):
        while not (packet := str(await socket.recv())).startswith(kind):
            pass
    return packet.removeprefix(kind)
