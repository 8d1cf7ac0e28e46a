"""Key-value buckets, and the one of people's display names, which are never in the log."""

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import KeyNotFoundError, NotFoundError

from studyspot.broker.consumer import WatchedConsumer
from studyspot.broker.errors import BrokerUnavailable, EpochChanged, PositionForgotten, reaching_broker
from studyspot.broker.stream import StreamMessage, stream_state

NAMES = "names"
BOOTSTRAP = "bootstrap"

_DESCRIPTIONS = {
    NAMES: "Display names by user id",
    BOOTSTRAP: "The newest of the events that a fan-out has to know from before its window",
}


@dataclass(frozen=True, slots=True)
class NameSet:
    """A person is now called `name`; none where the name was erased."""

    user_id: str
    name: str | None


async def ensure_buckets(
    js: JetStreamContext, buckets: Collection[str] = (NAMES, BOOTSTRAP), *, replicas: int = 1
) -> None:
    """Make those of the buckets that are missing; one that is there is left as it is.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    for bucket in buckets:
        if await stream_state(js, stream_of(bucket)) is not None:
            continue
        with reaching_broker():
            await js.create_key_value(
                KeyValueConfig(
                    bucket=bucket,
                    description=_DESCRIPTIONS[bucket],
                    history=1,
                    storage=StorageType.FILE,
                    replicas=replicas,
                    direct=True,
                )
            )


def stream_of(bucket: str) -> str:
    """Return the name of the stream that holds a bucket."""
    return f"KV_{bucket}"


def subject_of(bucket: str, key: str) -> str:
    """Return the subject of a bucket's key; of all of them, where the key is `>`."""
    return f"$KV.{bucket}.{key}"


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
            nc, after=after, subjects=(subject_of(NAMES, ">"),), epoch=epoch, stream=stream_of(NAMES)
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
    return NameSet(message.subject.removeprefix(subject_of(NAMES, "")), message.body.decode() or None)
