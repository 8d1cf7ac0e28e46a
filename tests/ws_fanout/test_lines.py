"""Who comes back after a while does not wait for those to whom a long log is read from its beginning."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.metrics import FanoutMetrics
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.stream_reader import StreamReader
from tests.engines import NatsServer
from tests.ws_fanout.events import booked
from tests.ws_fanout.live import log_at, until
from tests.ws_fanout.node import Client, Node, kinds, since

LIMITS = Limits(window_events=5)
EVENTS, NEAR = 5000, 50
FAR_CLIENTS = 5
READERS = 2
"""For far clients, of which there are more."""
SIP_BYTES = 1024


async def test_a_near_resume_is_served_while_far_ones_take_their_time(nats_server: NatsServer) -> None:
    history = [booked(student="s9", booking=f"B{number}") for number in range(EVENTS)]
    registry = CollectorRegistry()
    async with log_at(nats_server.urls.admin) as log:
        await log.append(*history)
        node = Node(LIMITS, metrics=FanoutMetrics(registry))
        node.publish(*history)
        far = [waiting(node, f"s{number}", after=0) for number in range(FAR_CLIENTS)]
        near = waiting(node, "near", after=EVENTS - NEAR)
        reader = StreamReader(log.nc, node.hub, far=2 * NEAR)

        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(reader.run())
            drinking: list[tuple[Client, Peer]] = []
            async with sipping(node, reader, drinking):
                for number, one in enumerate(far, start=1):
                    drinking.append(one)
                    busy = min(number, READERS)
                    await until(lambda busy=busy: reads(registry) >= busy)  # type: ignore[misc]
                takes_all(node, *near)
                await until(lambda: kinds(near[0])[-1:] == ["caught-up"])
            reading.cancel()

        assert not any("caught-up" in kinds(client) for client, _ in far)


def waiting(node: Node, user: str, *, after: int) -> tuple[Client, Peer]:
    """A client that has been brought a little, and has to read before it is brought more."""
    client, peer = node.open(Client(full_bytes=100, reads=False))
    connect = {"type": "connect", "id": 1, "token": node.token(user), "rooms": ["library:L1"]}
    node.send(peer, {**connect, "since": since(after)})
    assert client.is_full()
    return client, peer


@asynccontextmanager
async def sipping(
    node: Node, reader: StreamReader, peers: Sequence[tuple[Client, Peer]]
) -> AsyncIterator[None]:
    """Let clients read a little again and again: so they keep their readers, and do not come to an end."""

    async def sip() -> None:
        while True:
            for client, peer in peers:
                client.received += client.unread[:SIP_BYTES]
                del client.unread[:SIP_BYTES]
                if not client.is_full():
                    node.hub.drained(peer)
            node.hub.step()
            reader.wake()
            await asyncio.sleep(0.01)

    task = asyncio.create_task(sip())
    try:
        yield
    finally:
        task.cancel()


def takes_all(node: Node, client: Client, peer: Peer) -> None:
    client.reads = True
    client.received += client.unread
    client.unread.clear()
    node.hub.drained(peer)


def reads(registry: CollectorRegistry) -> float:
    """How many ranges of the stream have been asked for."""
    return registry.get_sample_value("studyspot_fanout_broker_reads_total") or 0
