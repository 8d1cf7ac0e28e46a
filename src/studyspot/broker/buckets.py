"""Key-value buckets, and the one of people's display names, which are never in the log."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, Header, StorageType, StreamConfig
from nats.js.errors import BadRequestError, KeyNotFoundError, NotFoundError

from studyspot.broker.consumer import WatchedConsumer
from studyspot.broker.errors import BrokerUnavailable, EpochChanged, PositionForgotten, reaching_broker
from studyspot.broker.stream import NAME_IN_USE, StreamMessage, stream_state

NAMES = "names"
BOOTSTRAP = "bootstrap"
SOCKETS = "sockets"

_GONE_SOON = {Header.MSG_TTL.value: "1s"}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a bucket is for, and how much it keeps: where it is full, its oldest values go first."""

    description: str
    lifetime: timedelta | None = None
    most_bytes: int | None = None


_KINDS = {
    NAMES: _Kind("Display names by user id"),
    BOOTSTRAP: _Kind("The newest of the events that a fan-out has to know from before its window"),
    SOCKETS: _Kind(
        "What connections were to receive, for their clients' return to any node",
        lifetime=timedelta(hours=24),
        # Of several hundred thousand connections.
        most_bytes=128 * 1024 * 1024,
    ),
}


@dataclass(frozen=True, slots=True)
class NameSet:
    """A person is now called `name`; none where the name was erased."""

    user_id: str
    name: str | None


async def ensure_buckets(
    js: JetStreamContext, buckets: Collection[str] = tuple(_KINDS), *, replicas: int = 1
) -> None:
    """Make those of the buckets that are missing; one that is there is left as it is.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    for bucket in buckets:
        if await stream_state(js, stream_of(bucket)) is not None:
            continue
        try:
            with reaching_broker():
                await js.add_stream(_configuration(bucket, replicas))
        except BadRequestError as error:
            if error.err_code != NAME_IN_USE:
                raise
            # Another process made it at the same time, perhaps otherwise.


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


async def put_values(nc: Client, bucket: str, values: Mapping[str, bytes], *, limit: timedelta) -> None:
    """Set keys of a bucket, and return when all are set; where it raises, some are or none.

    An empty value erases its key, and is gone itself soon.

    Raises:
        BrokerUnavailable: also, the bucket is missing, or takes nothing.
        BrokerClosed
    """
    # One inbox for all answers: a request for each key takes four times as long.
    inbox, answers = nc.new_inbox(), _Answers(bucket, len(values))
    with reaching_broker():
        subscription = await nc.subscribe(inbox, cb=answers.take)
        try:
            async with asyncio.timeout(limit.total_seconds()):
                for key, value in values.items():
                    headers = None if value else _GONE_SOON
                    await nc.publish(subject_of(bucket, key), value, reply=inbox, headers=headers)
                await answers.complete
        finally:
            await subscription.unsubscribe()


class _Answers:
    """What a bucket answers to so many values.

    Attributes:
        complete: done when all are set; or that the bucket takes one of them not, as `BrokerUnavailable`.
    """

    def __init__(self, bucket: str, count: int) -> None:
        self.complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._bucket = bucket
        self._missing = count

    async def take(self, answer: Msg) -> None:
        if self.complete.done():
            return
        self._missing -= 1
        if refusal := self._refusal(answer.data):
            self.complete.set_exception(
                BrokerUnavailable(f"the bucket {self._bucket} takes nothing: {refusal}")
            )
        elif not self._missing:
            self.complete.set_result(None)

    def _refusal(self, answer: bytes) -> str | None:
        """Return why a value was not set; nothing where it was."""
        # An empty one is the server's, where nobody listens.
        told = orjson.loads(answer or b"{}")
        if told.get("stream") == stream_of(self._bucket) and "error" not in told:
            return None
        return str(told.get("error", {}).get("description", "there is no such bucket"))


async def get_value(js: JetStreamContext, bucket: str, key: str) -> bytes | None:
    """Return what the bucket's leader has under a key; none where there is nothing, or no bucket.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    try:
        with reaching_broker():
            found = await js.get_last_msg(stream_of(bucket), subject_of(bucket, key))
    except NotFoundError:
        return None
    return found.data or None


def _configuration(bucket: str, replicas: int) -> StreamConfig:
    """Return the stream of a bucket, such as clients of key-value buckets expect it."""
    kind = _KINDS[bucket]
    return StreamConfig(
        name=stream_of(bucket),
        description=kind.description,
        subjects=[subject_of(bucket, ">")],
        storage=StorageType.FILE,
        num_replicas=replicas,
        max_msgs_per_subject=1,
        max_age=kind.lifetime.total_seconds() if kind.lifetime else None,
        max_bytes=kind.most_bytes or -1,
        # The client's own way of making a bucket would have a full one take nothing new.
        discard=DiscardPolicy.OLD if kind.most_bytes else DiscardPolicy.NEW,
        allow_direct=True,
        allow_rollup_hdrs=True,
        allow_msg_ttl=True,
        deny_delete=True,
        max_consumers=-1,
        max_msgs=-1,
    )
