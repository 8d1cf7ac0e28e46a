"""The bootstrap bucket, as the relay keeps it."""

from collections.abc import Sequence

from nats.aio.client import Client as Nats

from studyspot.broker.bootstrap import KEYS, BootstrapWriter, Reached, key_of
from studyspot.domain.events import Event
from tests.ws_fanout.events import EPOCH, message


async def keep_bootstrap(nc: Nats, events: Sequence[Event], *, epoch: str = EPOCH) -> None:
    """Bring the bucket to the end of a log that consists of `events`."""
    writer = BootstrapWriter(nc, nc.jetstream())
    await writer.look()
    await writer.put(compacted(events, epoch=epoch), Reached(epoch, len(events), KEYS))
    await writer.close()


def compacted(events: Sequence[Event], *, epoch: str = EPOCH) -> dict[str, bytes]:
    """Return the newest message of each key."""
    entries: dict[str, bytes] = {}
    for position, event in enumerate(events, start=1):
        made = message(position, event, epoch=epoch)
        if key := key_of(made.subject, made.body):
            entries[key] = made.body
    return entries
