"""How a node that begins learns the rights of today: from the bootstrap bucket, then from the stream."""

import asyncio
from contextlib import aclosing
from operator import attrgetter

from nats.aio.client import Client

from studyspot.broker.bootstrap import Bootstrap, read_bootstrap
from studyspot.broker.errors import BrokerUnavailable
from studyspot.broker.reading import read_range
from studyspot.broker.stream import StreamState, stream_state
from studyspot.catalogue.cloudevents import UnknownMessage, UnreadableMessage, from_message
from studyspot.catalogue.codec import Recorded
from studyspot.ws_fanout.rights import RIGHTS_SUBJECTS, Rights
from studyspot.ws_fanout.routed import routed

_AT_ONCE = 200
"""Messages that are decoded before the loop has a turn."""


class RightsUnknown(Exception):
    """Bucket and stream do not tell all rights yet; they do once the relay has done its part."""


async def learn_rights(nc: Client) -> tuple[StreamState, Rights]:
    """Return what the stream holds, and the rights up to its last position.

    Raises:
        RightsUnknown: the stream begins later than the bucket reaches, or has yet to come so far.
        UnknownMessage: a newer release has changed rights in a way that this one cannot read.
        BrokerUnavailable, EpochChanged, PositionForgotten, BrokerClosed
    """
    js = nc.jetstream(timeout=2)
    bootstrap = await read_bootstrap(nc, js)
    # Asked after the bucket was read, which holds nothing that had not been in the stream.
    state = await stream_state(js)
    if state is None:
        raise BrokerUnavailable("there is no stream yet; the relay makes it")
    rights, after = Rights(), 0
    if bootstrap is not None and bootstrap.reached.serves(state.epoch):
        after = bootstrap.reached.position
        if after > state.last_position:
            raise RightsUnknown(f"the stream ends at {state.last_position}; the relay had published {after}")
        await _apply(bootstrap, rights)
    if state.first_position > after + 1:
        reach = f"reaches only {after}" if after else "does not tell what came before"
        first = state.first_position
        raise RightsUnknown(f"the stream begins at {first}; the bootstrap bucket {reach}, the relay fills it")
    await _read_on(nc, state, after, rights)
    return state, rights


async def _apply(bootstrap: Bootstrap, rights: Rights) -> None:
    """Take in what the bucket says up to where it is complete; the stream brings what is newer."""
    events: list[Recorded] = []
    try:
        for number, message in enumerate(bootstrap.messages):
            events.append(from_message(message))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
    except UnknownMessage:
        raise
    except UnreadableMessage as error:
        raise RightsUnknown(f"the bootstrap bucket holds no event, delete it: {error}") from error
    for recorded in sorted(events, key=attrgetter("position")):
        if recorded.position <= bootstrap.reached.position:
            rights.apply(recorded)


async def _read_on(nc: Client, state: StreamState, after: int, rights: Rights) -> None:
    until = state.last_position
    reading = read_range(nc, after=after, until=until, subjects=RIGHTS_SUBJECTS, epoch=state.epoch)
    async with aclosing(reading) as batches:
        async for batch in batches:
            for message in batch:
                _, recorded = routed(message)
                if recorded is not None:
                    rights.apply(recorded)
