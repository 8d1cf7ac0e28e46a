"""What a node tells of itself: its health over HTTP, and its gauges."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

from studyspot.ws_fanout.health import Health
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.language import Wire
from studyspot.ws_fanout.metrics import Sample

_SOCKETS_AT_A_TIME = 250
"""About a third of a millisecond: with 5 000 sockets, all at once would hold events up for 4 to 7 ms."""


def health_of(hub: Hub, *, ready: bool, stream_head: int, waits_for: str | None) -> Health:
    """Return how a node is that lets sockets in if `ready`, when the stream has come to `stream_head`."""
    return Health(
        ready=ready,
        draining=hub.draining,
        epoch=hub.epoch,
        head=hub.head,
        stream_head=stream_head,
        rights_position=hub.rights_position,
        sockets=hub.socket_count,
        rooms=hub.room_count,
        stale_since=hub.stale_since,
        waits_for=waits_for,
    )


async def sample_of(hub: Hub, *, stream_head: int, now: datetime) -> Sample:
    """Return the gauges of a node at `now` (UTC), when the stream has come to `stream_head`."""
    stale = now - hub.stale_since if hub.stale_since is not None else timedelta()
    spoken: Counter[Wire] = Counter()
    behind = 0
    peers = hub.peers
    for first in range(0, len(peers), _SOCKETS_AT_A_TIME):
        some = peers[first : first + _SOCKETS_AT_A_TIME]
        spoken.update(peer.language.wire for peer in some)
        behind += sum(peer.session.is_behind for peer in some)
        await asyncio.sleep(0)
    return Sample(
        sockets={wire.value: spoken[wire] for wire in Wire},
        rooms=hub.room_count,
        behind=behind,
        unsent_bytes=hub.unsent_bytes,
        head=hub.head,
        lag_events=max(0, stream_head - hub.head),
        stale_seconds=stale.total_seconds(),
        window_events=hub.replays.window.head - hub.replays.window.after,
    )
