"""Real Socket.IO clients and the node look after each other by the protocol's own heartbeats."""

from dataclasses import replace
from datetime import timedelta

from studyspot.ws_fanout.limits import Limits
from tests.freezing import freeze, thaw
from tests.ws_fanout.events import announced
from tests.ws_fanout.live import Log, fanout_at, until
from tests.ws_fanout.people import token
from tests.ws_fanout.socket_io.clients import Opened, connected
from tests.ws_fanout.socket_io.node_clients import SOON, NodeClients

QUICK = Limits(heartbeat_every=timedelta(seconds=0.3), pong_within=timedelta(seconds=1))
FORBEARING = replace(QUICK, pong_within=timedelta(seconds=3))
"""A busy machine may keep a client from answering for a second."""


async def test_a_quiet_client_stays_connected(
    nats_url: str, log: Log, opened: Opened, clients: NodeClients
) -> None:
    async with fanout_at(nats_url, limits=FORBEARING) as node, connected(opened, node.port, "s1") as client:
        clock = clients.open(node.port, token("s2"))
        # So many that without its pongs the node would have ended the connection.
        await clock.ear.until_count("ping", 12)

        await log.append(announced())
        await client.ear.until_event("global:notification")
        assert client.ear.of_kind("disconnect") == []
        assert len(node.hub.peers) == 2


async def test_a_client_that_falls_silent_is_let_go_and_comes_back_by_itself(
    nats_url: str, log: Log, clients: NodeClients
) -> None:
    async with fanout_at(nats_url, limits=QUICK) as node:
        client = clients.open(node.port, token("s1"), **SOON)
        await client.ear.until_kind("connect")
        before = len(client.ear.told)

        freeze(clients.process.pid)
        try:
            await until(lambda: not node.hub.peers)
        finally:
            thaw(clients.process.pid)

        _, recovered = await client.ear.until_kind("connect", after=before)
        assert recovered
