"""How a node that begins learns the rights and libraries of today: from bucket and stream.

Which seats are taken when, and what else the window tells, it then reads itself.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
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
from studyspot.ws_fanout.socket_io.scene import SCENE_SUBJECTS, Scene

_AT_ONCE = 200
"""Messages that are decoded before the loop has a turn."""


class RightsUnknown(Exception):
    """Bucket and stream do not tell all rights yet; they do once the relay has done its part."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a node begins: what the stream held, and what its events up to then say of rights and libraries.

    The events after `after` are those that the node reads.
    """

    state: StreamState
    after: int
    rights: Rights
    scene: Scene


async def learn_beginning(nc: Client, *, window_events: int) -> Beginning:
    """Return where a node begins that wants the newest `window_events` in memory.

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
    after = max(state.first_position - 1, state.last_position - window_events)
    beginning = Beginning(state, after, Rights(), Scene(seats_taken_after=after))
    reached = 0
    if bootstrap is not None and bootstrap.reached.serves(state.epoch):
        reached = bootstrap.reached.position
        if reached > (last := state.last_position):
            raise RightsUnknown(f"the stream ends at {last}; the relay had published {reached}")
        await _apply(bootstrap, beginning)
    if state.first_position > reached + 1:
        reach = f"reaches only {reached}" if reached else "does not tell what came before"
        first = state.first_position
        raise RightsUnknown(f"the stream begins at {first}; the bootstrap bucket {reach}, the relay fills it")
    await _read_on(nc, beginning, reached, (*RIGHTS_SUBJECTS, *SCENE_SUBJECTS))
    return beginning


async def _apply(bootstrap: Bootstrap, beginning: Beginning) -> None:
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
            _take_in(beginning, recorded)


async def _read_on(nc: Client, beginning: Beginning, after: int, subjects: Sequence[str]) -> None:
    state = beginning.state
    reading = read_range(nc, after=after, until=state.last_position, subjects=subjects, epoch=state.epoch)
    async with aclosing(reading) as batches:
        async for batch in batches:
            for message in batch:
                _, recorded = routed(message)
                if recorded is not None:
                    _take_in(beginning, recorded)


def _take_in(beginning: Beginning, recorded: Recorded) -> None:
    beginning.rights.apply(recorded)
    beginning.scene.apply(recorded)
