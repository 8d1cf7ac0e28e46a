"""Sockets of a real process that stop reading: they cost little, nobody else waits, and they miss nothing."""

from pathlib import Path

from studyspot.ws_fanout.limits import Limits
from tests.chaos.stalled.crowd import SEAT_BYTES, Events, crowd_of
from tests.engines import NatsServer
from tests.ws_fanout.fanout_process import fanout_process
from tests.ws_fanout.live import log_at

SOCKETS, STALLED = 200, 20
SEATS, ANNOUNCEMENTS = 140, 50
"""Of more bytes than the kernel and a socket's bound hold for who does not read."""
MOST_RSS_BYTES = 24 * 1024 * 1024
"""The events themselves take a part of it: they are kept for whoever resumes."""


async def test_stalled_readers_are_behind_and_then_catch_up_and_nobody_else_notices(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    limits = Limits()
    async with log_at(nats_server.urls.admin) as log:
        events = Events(log)
        await events.at_once(seats=2 * SEATS)
        async with (
            fanout_process(nats_server.urls.fanout, tmp_path) as node,
            crowd_of(SOCKETS, stalled=STALLED, port=node.port) as crowd,
        ):
            await events.at_once(announcements=ANNOUNCEMENTS)
            await crowd.all_have(events.announced, events.head)
            before = node.rss_bytes()

            await crowd.stall()
            await events.at_once(seats=SEATS, announcements=ANNOUNCEMENTS)
            await crowd.others_have(events.announced)
            unsent = await node.value("studyspot_fanout_unsent_bytes")
            grown = node.rss_bytes() - before
            stalled = await crowd.report()

            await crowd.read()
            await crowd.all_have(events.announced, events.head)
            after = await crowd.report()
            faults = node.faults()

    assert unsent <= STALLED * (limits.unsent_bytes + 2 * SEAT_BYTES)
    assert grown < MOST_RSS_BYTES < STALLED * SEATS * SEAT_BYTES
    # That they are behind is told them after all that they have yet to read.
    assert (stalled["behind"], after["behind"], after["caught_up"]) == (0, STALLED, STALLED)
    assert after["faults"] == faults == []
    assert after["events"] == 2 * ANNOUNCEMENTS * SOCKETS + SEATS * STALLED
    assert after["closes"] == {}
