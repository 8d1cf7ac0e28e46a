"""The one stream: its sequence is the log's position, and its metadata name the epoch."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError, NotFoundError

from studyspot.broker.errors import BrokerUnavailable, reaching_broker

STREAM = "STUDYSPOT"
SUBJECTS = ("studyspot.>",)
EPOCH = "epoch"
EARLIER_EPOCHS = "earlier-epochs"
NAME_IN_USE = 10058
"""What the server answers where there is another stream of the name."""

_EMPTY_ATTEMPTS = 100
_EMPTY_PAUSE = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """A message at its position; the body is a CloudEvent in JSON."""

    position: int
    subject: str
    body: bytes


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a stream holds: nothing where `last_position` is `first_position - 1`.

    A stream that carries no epoch in its metadata is named by the time of its creation, so that one
    which was erased and made again is known as another. `earlier_epochs` are those that its own followed,
    as far as streams before it told.
    """

    first_position: int
    last_position: int
    epoch: str
    earlier_epochs: tuple[str, ...] = ()


async def stream_state(js: JetStreamContext, stream: str = STREAM) -> StreamState | None:
    """Return what the stream holds; none where there is no such stream.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    try:
        with reaching_broker():
            info = await js.stream_info(stream)
    except NotFoundError:
        return None
    state, metadata = info.state, info.config.metadata or {}
    first = max(state.first_seq, 1) if state.messages else state.last_seq + 1
    earlier = tuple(metadata.get(EARLIER_EPOCHS, "").split())
    return StreamState(
        first, state.last_seq, metadata.get(EPOCH) or f"created-{info.created:%Y%m%dT%H%M%S.%f}", earlier
    )


async def ensure_stream(
    js: JetStreamContext,
    *,
    epoch: str,
    earlier_epochs: Sequence[str] = (),
    first_position: int = 1,
    replicas: int = 1,
) -> StreamState:
    """Make the stream, empty, unless it is there; its first message will be at `first_position`.

    A stream that is there is left as it is, whatever its epoch.

    Raises:
        BrokerUnavailable: also, the server gives the new stream messages of a deleted one.
        BrokerClosed
    """
    config = StreamConfig(
        name=STREAM,
        description="Every event of StudySpot, in order",
        subjects=list(SUBJECTS),
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        num_replicas=replicas,
        first_seq=first_position,
        deny_delete=True,
        deny_purge=True,
        allow_direct=True,
        metadata={EPOCH: epoch, EARLIER_EPOCHS: " ".join(earlier_epochs)},
    )
    state = await stream_state(js)
    if state is None:
        try:
            with reaching_broker():
                await _add_empty_stream(js, config)
        except BadRequestError as error:
            if error.err_code != NAME_IN_USE:
                raise
            # Another process made it at the same time, perhaps otherwise: what it is, the state says.
        state = await stream_state(js)
    if state is None:
        raise BrokerUnavailable(f"the stream {STREAM} was deleted while it was made")
    return state


async def _add_empty_stream(js: JetStreamContext, config: StreamConfig) -> None:
    """Add the stream, and see to it that it is empty if it was not there.

    nats-server 2.15.1 removes a deleted stream's files in the background. Deleted again before that has
    ended, a stream of the same name leaves its messages on disk, and the next one begins with them.
    """
    name, empty = str(config.name), (config.first_seq or 1) - 1
    for _ in range(_EMPTY_ATTEMPTS):
        info = await js.add_stream(config)
        if not info.did_create or (info.state.messages == 0 and info.state.last_seq == empty):
            return
        await js.delete_stream(name)
        await asyncio.sleep(_EMPTY_PAUSE.total_seconds())
    raise BrokerUnavailable(f"a new stream {name} is not empty: it has what a deleted one left")


async def delete_stream(js: JetStreamContext) -> None:
    """Delete the stream and all that it holds; nothing happens where there is none.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    try:
        with reaching_broker():
            await js.delete_stream(STREAM)
    except NotFoundError:
        return


async def message_at(js: JetStreamContext, position: int) -> StreamMessage | None:
    """Return the message at `position`, as the stream's leader has it; none where it holds none.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    try:
        with reaching_broker():
            message = await js.get_msg(STREAM, seq=position)
    except NotFoundError:
        return None
    return StreamMessage(position, message.subject or "", message.data or b"")
