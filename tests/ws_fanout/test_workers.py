"""`studyspot fanout --workers 2`: two processes behind one port, told of as one, and ended as one."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from studyspot.console.listening import held_port
from studyspot.domain.events import Event
from studyspot.embedded.identity import identify
from studyspot.embedded.ports import free_port
from studyspot.ws_fanout.app import FanoutConfig, running
from tests.ws_fanout.events import announced, booked, library_created, staff_added, staff_removed
from tests.ws_fanout.fanout_process import LIMIT, FanoutProcess, fanout_process
from tests.ws_fanout.followers import all_have, faults, followers
from tests.ws_fanout.live import Log, connected, log_at, until
from tests.ws_fanout.people import VERIFIER

TWO = ("--workers", "2")


@pytest.fixture
async def fanout(nats_url: str, log: Log, tmp_path: Path) -> AsyncIterator[FanoutProcess]:
    async with fanout_process(nats_url, tmp_path, *TWO) as fanout:
        yield fanout


def bookings(count: int) -> list[Event]:
    return [booked(booking=f"B{number}") for number in range(count)]


async def test_workers_share_the_sockets_bring_all_the_same_and_are_told_of_as_one(
    fanout: FanoutProcess, log: Log
) -> None:
    async with AsyncExitStack() as stack:
        # By chance, the kernel gives all to one worker once in half a million times.
        sockets = [await stack.enter_async_context(connected(fanout.port, "t1", "staff")) for _ in range(20)]
        await log.append(library_created(), *bookings(5), staff_added(), *bookings(10), staff_removed())
        granted, removed = 7, log.head
        await log.append(*bookings(5), announced())
        for client in sockets:
            await client.receive_until("event", position=log.head)
            assert client.positions == [*range(granted + 1, removed), log.head]

        await until_value(fanout, "studyspot_fanout_sockets", 20)
        await until_value(fanout, "studyspot_fanout_deliveries_total", 20 * len(sockets[0].positions))
        told = await fanout.workers()
        assert all(worker["ready"] and worker["sockets"] for worker in told)
        assert sum(worker["sockets"] for worker in told) == 20
        health = (await fanout.metrics.get("/health")).json()
        assert health["status"] == "alive"
        assert [(worker["worker"], worker["pid"], worker["restarts"]) for worker in health["workers"]] == [
            (worker["worker"], worker["pid"], 0) for worker in told
        ]

        fanout.stop()
        assert await asyncio.gather(*(client.closed() for client in sockets)) == [4002] * 20
        assert await fanout.ended() == 0
    assert not any(identify(worker["pid"]) for worker in told)


async def test_a_worker_that_is_killed_under_load_costs_its_clients_nothing(
    fanout: FanoutProcess, log: Log
) -> None:
    async with followers(
        fanout.port, [f"s{number}" for number in range(20)], rooms=["library:L1"]
    ) as clients:
        await log.append(library_created(), *bookings(100))
        await all_have(clients, log.head)
        await until_value(fanout, "studyspot_fanout_deliveries_total", 20 * log.head)
        # Each tells by itself, now and then.
        await fanout.until(lambda answer: sum(one["sockets"] for one in answer.json()["workers"]) == 20)
        killed, other = await fanout.workers()

        load = asyncio.create_task(commands_go_on(log))
        await all_have(clients[:1], log.head + 1)
        os.kill(killed["pid"], signal.SIGKILL)
        await load
        await fanout.until(lambda answer: answer.is_success and answer.json()["workers"][0]["restarts"] == 1)
        await log.append(*bookings(100), announced())

        await all_have(clients, log.head)
        cut_off = [one for one in clients if one.close_codes]
        assert [one.close_codes for one in cut_off] == [[1006]] * killed["sockets"]
        assert faults(log, clients) == []
        told = await fanout.workers()
        assert told[0]["pid"] != killed["pid"]
        assert (told[1]["pid"], told[1]["restarts"]) == (other["pid"], 0)
        # Counters keep what the dead one had counted; the sockets that it had are not counted any more.
        assert await fanout.value("studyspot_fanout_deliveries_total") >= 20 * 101
        await until_value(fanout, "studyspot_fanout_sockets", 20)
        assert await fanout.value("studyspot_fanout_worker_deaths_total") == 1
        # Ctrl-C at a terminal reaches them all.
        os.killpg(fanout.process.pid, signal.SIGINT)
        assert await fanout.ended() == 0


async def test_a_worker_takes_connections_once_it_can_serve_them(nats_url: str) -> None:
    """Before, the port's other workers get them."""
    config = FanoutConfig(
        nats_url=nats_url, verifier=VERIFIER, host="127.0.0.1", port=free_port(), shares_port=True
    )
    async with running(config) as worker:
        assert not is_taken(worker.port)
        async with log_at(nats_url):
            await until(lambda: worker.is_ready)
            await until(lambda: is_taken(worker.port))
            async with connected(worker.port, "s1") as client:
                assert client.frames[0]["type"] == "connected"


async def test_the_port_of_workers_is_no_other_processs_even_while_none_of_them_listens() -> None:
    for host in ("127.0.0.1", "localhost"):
        with held_port(host, 0) as port:
            with pytest.raises(OSError, match="in use"):
                socket.create_server(("127.0.0.1", port)).close()
            socket.create_server(("127.0.0.1", port), reuse_port=True).close()
        socket.create_server(("127.0.0.1", port)).close()


async def test_workers_whose_parent_is_killed_send_their_clients_elsewhere_and_end(
    fanout: FanoutProcess, log: Log
) -> None:
    async with connected(fanout.port, "s1") as client:
        workers = [identify(worker["pid"]) for worker in await fanout.workers()]

        fanout.process.kill()

        assert await client.closed() == 4002
        await until(lambda: not any(worker and worker.is_alive() for worker in workers))


async def commands_go_on(log: Log) -> None:
    for _ in range(20):
        await log.append(*bookings(20))


def is_taken(port: int) -> bool:
    """Say whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


async def until_value(fanout: FanoutProcess, metric: str, value: float) -> None:
    async with asyncio.timeout(LIMIT):
        while await fanout.value(metric) != value:  # noqa: ASYNC110  Metrics tell of themselves by no event.
            await asyncio.sleep(0.05)
