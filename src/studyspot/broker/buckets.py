"""Key-value buckets: the display names of people, which are never in the log."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import KeyNotFoundError, NotFoundError

from studyspot.broker.consumer import WatchedConsumer
from studyspot.broker.errors import BrokerUnavailable, EpochChanged, PositionForgotten, reaching_broker
from studyspot.broker.stream import StreamMessage, stream_state

NAMES = "names"

_NAMES_STREAM = f"KV_{NAMES}"
_NAMES_SUBJECT = f"$KV.{NAMES}."


@dataclass(frozen=True, slots=True)
class NameSet:
    """A person is now called `name`; none where the name was erased."""

    user_id: str
    name: str | None


async def ensure_buckets(js: JetStreamContext, *, replicas: int = 1) -> None:
    """Make the buckets that are missing; one that is there is left as it is.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    if await stream_state(js, _NAMES_STREAM) is not None:
        return
    with reaching_broker():
        await js.create_key_value(
            KeyValueConfig(
                bucket=NAMES,
                description="Display names by user id",
                history=1,
                storage=StorageType.FILE,
                replicas=replicas,
                direct=True,
            )
        )


async def put_name(js: JetStreamContext, user_id: str, name: str) -> None:
    """Set the display name of a person; `js` bounds the wait by its time limit.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    try:
        with reaching_broker():
            bucket = await js.key_value(NAMES)
            await bucket.put(user_id, name.encode())
    except NotFoundError as error:
        raise BrokerUnavailable(f"the bucket {NAMES} is missing") from error


async def erase_name(js: JetStreamContext, user_id: str) -> None:
    """Remove the display name of a person, with every earlier one.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    try:
        with reaching_broker():
            bucket = await js.key_value(NAMES)
            await bucket.purge(user_id)
    except NotFoundError as error:
        raise BrokerUnavailable(f"the bucket {NAMES} is missing") from error


async def get_name(js: JetStreamContext, user_id: str) -> str | None:
    """Return the display name of a person; none where there is none.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    try:
        with reaching_broker():
            bucket = await js.key_value(NAMES)
            entry = await bucket.get(user_id)
    except KeyNotFoundError:
        return None
    except NotFoundError as error:
        raise BrokerUnavailable(f"the bucket {NAMES} is missing") from error
    return (entry.value or b"").decode() or None


async def watch_names(nc: Client) -> AsyncGenerator[tuple[NameSet, ...]]:
    """Yield the names that are set, then every change, without end; survives whatever a consumer does.

    After the loss of the bucket the names of the new one follow; those already told still hold.

    Raises:
        BrokerClosed: the connection is gone for good.
    """
    after, epoch = 0, None
    while True:
        consumer = WatchedConsumer(
            nc, after=after, subjects=(f"{_NAMES_SUBJECT}>",), epoch=epoch, stream=_NAMES_STREAM
        )
        try:
            async with consumer:
                async for batch in consumer:
                    yield tuple(_name_set(message) for message in batch)
        except EpochChanged:
            after, epoch = 0, None
        except PositionForgotten as forgotten:
            # What stood before it was overwritten meanwhile: the newest names follow.
            after, epoch = forgotten.first - 1, consumer.epoch


def _name_set(message: StreamMessage) -> NameSet:
    return NameSet(message.subject.removeprefix(_NAMES_SUBJECT), message.body.decode() or None)
