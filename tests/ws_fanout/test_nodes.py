"""Several nodes on one stream: a client may come back to any of them, and each stands for itself."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from studyspot.domain.events import AccountDisabled, Event
from tests.ws_fanout.events import announced, booked, library_created, staff_added, staff_removed
from tests.ws_fanout.fanout_process import fanout_process
from tests.ws_fanout.followers import all_have, faults, followers
from tests.ws_fanout.forwarder import forwarder
from tests.ws_fanout.live import Log, connected, fanout_at, until
from tests.ws_fanout.node import since


def bookings(count: int) -> list[Event]:
    return [booked(booking=f"B{number}") for number in range(count)]


async def test_a_client_that_comes_back_to_another_node_resumes_exactly(nats_url: str, log: Log) -> None:
    async with fanout_at(nats_url) as one, fanout_at(nats_url) as other:
        async with connected(one.port, "s9", rooms=["library:L1"]) as client:
            await log.append(library_created(), *bookings(10))
            await client.receive_until("event", position=5)
        await log.append(*bookings(10))
        async with connected(other.port, "s9", rooms=["library:L1"], since=since(5)) as again:
            await again.receive_until("caught-up")
            await log.append(*bookings(3))
            await again.receive_until("event", position=log.head)
            assert client.positions == list(range(1, 6))
            assert again.positions == list(range(6, log.head + 1))


async def test_rights_change_at_the_same_position_on_every_node(nats_url: str, log: Log) -> None:
    async with (
        fanout_at(nats_url) as one,
        fanout_at(nats_url) as other,
        connected(one.port, "t1", "staff") as here,
        connected(other.port, "t1", "staff") as there,
    ):
        await log.append(library_created(), staff_added())
        await log.append(*bookings(20), staff_removed(), *bookings(20), announced())
        await asyncio.gather(*(socket.receive_until("event", position=log.head) for socket in (here, there)))
        assert here.positions == there.positions == [*range(3, 23), log.head]

        await log.append(AccountDisabled(user_id="t1"), announced())
        assert [*await asyncio.gather(here.closed(), there.closed())] == [4503, 4503]
        assert here.positions[-1] == there.positions[-1] == log.head - 2


async def test_a_node_without_nats_says_since_when_while_the_other_serves_and_recovers_alone(
    nats_url: str, log: Log
) -> None:
    nats = urlsplit(nats_url)
    assert nats.port is not None
    async with forwarder(nats.port) as line:
        own = nats._replace(netloc=f"{nats.username}:{nats.password}@127.0.0.1:{line.port}").geturl()
        async with (
            fanout_at(own) as cut_off,
            fanout_at(nats_url) as other,
            connected(cut_off.port, "s9", rooms=["library:L1"]) as here,
            connected(other.port, "s9", rooms=["library:L1"]) as there,
        ):
            await log.append(library_created())
            await asyncio.gather(*(socket.receive_until("event", position=1) for socket in (here, there)))

            line.cut()
            stale = await here.receive_until("heartbeat")
            assert (stale["position"], cut_off.readiness().ready) == (1, False)
            assert stale["staleSince"] <= stale["serverNow"]
            await log.append(*bookings(10))
            await there.receive_until("event", position=11)
            assert [frame["type"] for frame in there.frames if "staleSince" in frame] == []
            assert other.readiness().ready

            line.mend()
            # Which of them comes first is not said.
            await until(lambda: cut_off.readiness().ready)
            await log.append(announced())
            await here.receive_until("event", position=log.head)
            assert here.positions == [*there.positions, log.head] == list(range(1, log.head + 1))
            assert any(frame["type"] == "heartbeat" and "staleSince" not in frame for frame in here.frames)


async def test_a_node_that_is_stopped_sends_its_clients_to_the_other_and_they_miss_nothing(
    nats_url: str, log: Log, tmp_path: Path
) -> None:
    users = [f"s{number}" for number in range(12)]
    async with (
        fanout_at(nats_url) as other,
        fanout_process(nats_url, tmp_path) as node,
        forwarder(node.port, other.port) as balancer,
        followers(balancer.port, users, rooms=["library:L1"]) as clients,
    ):
        await log.append(library_created(), *bookings(20))
        assert len(other.hub.peers) == len(users) / 2

        node.stop()
        await log.append(*bookings(50))
        assert await node.ended() == 0
        await until(lambda: len(other.hub.peers) == len(users))
        await log.append(announced())

        await all_have(clients, log.head)
        assert sorted(code for one in clients for code in one.close_codes) == [4002] * (len(users) // 2)
        assert faults(log, clients) == []
