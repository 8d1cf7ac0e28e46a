"""A node that goes away sends its sockets elsewhere, a few at a time, and waits for nobody too long."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.door import Door, opened
from tests.ws_fanout.events import seat_added
from tests.ws_fanout.fanout_process import fanout_process
from tests.ws_fanout.live import LIMIT, Wire, connected, log_at, until, wire
from tests.ws_fanout.test_pressure import takes_little

SOCKETS = 300
STALLED = 30


async def with_sockets(door: Door, stack: AsyncExitStack, number: int, *rooms: str) -> list[Wire]:
    sockets = (connected(door.port, f"s{len(rooms)}-{person}", rooms=rooms) for person in range(number))
    return await asyncio.gather(*(stack.enter_async_context(socket) for socket in sockets))


async def closed_at(client: Wire) -> tuple[float, int]:
    code = await client.closed()
    return asyncio.get_running_loop().time(), code


async def test_three_hundred_sockets_are_sent_elsewhere_in_waves_though_some_do_not_read() -> None:
    large = replace(seat_added("L1"), attributes={f"note-{number}": "x" * 120 for number in range(50)})
    # So many at once may take a while to connect.
    limits = Limits(drain_within=timedelta(seconds=5), connect_within=timedelta(minutes=1))
    async with opened(limits) as door, AsyncExitStack() as stack:
        stalled = await with_sockets(door, stack, STALLED, "library:L1")
        for peer in door.hub.peers:
            takes_little(peer)
        for client in stalled:
            client.connection.transport.pause_reading()
            stack.callback(client.connection.transport.abort)
        others = await with_sockets(door, stack, SOCKETS - STALLED)
        while sum(peer.outlet.is_full() for peer in door.hub.peers) < STALLED:
            door.publish(*[large] * 10)
            await asyncio.sleep(0)

        ends = asyncio.gather(*(closed_at(client) for client in others))
        async with asyncio.timeout(LIMIT):
            await door.server.drain()

        times, codes = zip(*await ends, strict=True)
        assert set(codes) == {4002}
        assert max(times) - min(times) > 0.3
        first_half = sum(time < (max(times) + min(times)) / 2 for time in times)
        assert SOCKETS / 5 < first_half < SOCKETS * 4 / 5
        await until(lambda: door.hub.socket_count == 0)
        assert door.counted("closes_total", code="4002") == SOCKETS


async def test_while_it_drains_a_node_refuses_who_connects_and_says_so() -> None:
    async with opened(Limits(drain_within=timedelta(seconds=LIMIT))) as door, AsyncExitStack() as stack:
        [stalled] = await with_sockets(door, stack, 1)
        stalled.connection.transport.pause_reading()
        stack.callback(stalled.connection.transport.abort)
        draining = asyncio.create_task(door.server.drain())
        await until(lambda: door.hub.draining)

        with pytest.raises(InvalidStatus) as refusal:
            async with wire(door.port):
                pass
        async with httpx.AsyncClient() as http:
            health = (await http.get(f"http://127.0.0.1:{door.port}/health")).json()

        assert refusal.value.response.status_code == 503
        assert b"/problems/draining" in (refusal.value.response.body or b"")
        assert int(refusal.value.response.headers["Retry-After"]) >= 1
        assert (health["draining"], health["sockets"]) == (True, 1)
        stalled.connection.transport.abort()
        await draining


async def test_who_was_waiting_for_a_turn_when_the_node_went_away_is_refused() -> None:
    # Whoever waits has had no turn yet when the node goes away, and has one before it is gone.
    limits = Limits(connects_at_once=1, connects_per_second=1, drain_within=timedelta(seconds=LIMIT))
    async with opened(limits) as door, AsyncExitStack() as stack:
        await with_sockets(door, stack, 1)
        late = asyncio.gather(*(_refused(door) for _ in range(2)))
        await until(lambda: door.gate.taken == 3)

        await door.server.drain()

        assert await late == [503, 503]


async def _refused(door: Door) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        async with wire(door.port):
            pass
    return refusal.value.response.status_code


async def test_a_process_that_is_told_to_end_does_so_in_time_though_some_do_not_read(
    nats_url: str, tmp_path: Path
) -> None:
    large = replace(seat_added("L1"), attributes={f"note-{number}": "x" * 120 for number in range(50)})
    async with (
        log_at(nats_url) as log,
        fanout_process(nats_url, tmp_path) as process,
        AsyncExitStack() as stack,
    ):
        stalled = [
            await stack.enter_async_context(connected(process.port, f"s{number}", rooms=["library:L1"]))
            for number in range(5)
        ]
        for client in stalled:
            client.connection.transport.pause_reading()
            stack.callback(client.connection.transport.abort)
        reader = await stack.enter_async_context(connected(process.port, "s9", rooms=["library:L2"]))
        half_open = await asyncio.open_connection("127.0.0.1", process.port)
        stack.callback(half_open[1].close)
        for _ in range(20):
            await log.append(*[large] * 50)
        await process.until(lambda answer: b"unsent_bytes 0.0" not in answer.content, "/metrics")

        process.stop()

        assert await reader.closed() == 4002
        assert await process.ended() == 0
