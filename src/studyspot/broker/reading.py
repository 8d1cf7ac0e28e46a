"""Reading what a stream holds already, to an end."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta

from nats.aio.client import Client
from nats.js.errors import NotFoundError

from studyspot.broker.consumer import API_LIMIT, LOOK_EVERY, start_delivery
from studyspot.broker.delivery import Delivery
from studyspot.broker.errors import BrokerUnavailable, PositionForgotten
from studyspot.broker.stream import StreamMessage, stream_state
from studyspot.broker.subjects import reduce_subjects


async def read_range(
    nc: Client,
    *,
    after: int,
    until: int,
    subjects: Sequence[str] = (),
    epoch: str | None = None,
    limit: timedelta = timedelta(seconds=5),
) -> AsyncGenerator[tuple[StreamMessage, ...]]:
    """Yield what `subjects` match (everything, without any) after `after` up to `until`, in batches.

    The server filters. `limit` is the longest wait for any further sign of progress. Close the
    generator (`contextlib.aclosing`) where it is not read to its end.

    Raises:
        BrokerUnavailable: no progress within `limit`, or the stream does not reach `until` (yet).
        EpochChanged, PositionForgotten, BrokerClosed: as a `WatchedConsumer`.
    """
    if after >= until:
        return
    js = nc.jetstream(timeout=API_LIMIT.total_seconds())
    delivery = Delivery(nc, after=after, subjects=reduce_subjects(subjects))
    try:
        before = await stream_state(js)
        if before is None or before.last_position < until:
            raise BrokerUnavailable(f"the stream does not reach position {until}")
        await start_delivery(delivery, js, epoch or before.epoch)
        # What is wanted was in the stream before the consumer was made, so "drained" is the end too.
        arriving = _arriving(delivery, lambda: delivery.passed >= until or delivery.drained, limit)
        async with aclosing(arriving) as batches:
            async for batch in batches:
                if wanted := tuple(message for message in batch if message.position <= until):
                    yield wanted
    finally:
        await delivery.stop()


async def read_newest(
    nc: Client, *, stream: str, subjects: Sequence[str], limit: timedelta = timedelta(seconds=5)
) -> AsyncGenerator[tuple[StreamMessage, ...]]:
    """Yield what a stream that keeps one message per subject holds; a later one of a subject replaces it.

    At its end the newest message that each subject then had was among them. Close the generator as that
    of `read_range`.

    Raises:
        BrokerUnavailable: no sign of progress within `limit`, or there is no such stream.
        BrokerClosed: the connection is gone for good.
    """
    delivery = Delivery(nc, after=0, subjects=subjects, stream=stream)
    try:
        try:
            await delivery.start(nc.jetstream(timeout=API_LIMIT.total_seconds()))
        except NotFoundError as error:
            raise BrokerUnavailable(f"the stream {stream} is missing") from error
        async with aclosing(_arriving(delivery, lambda: delivery.drained, limit)) as batches:
            async for batch in batches:
                yield batch
    finally:
        await delivery.stop()


async def _arriving(
    delivery: Delivery, is_finished: Callable[[], bool], limit: timedelta
) -> AsyncGenerator[tuple[StreamMessage, ...]]:
    """Yield what arrives until `is_finished`.

    Raises:
        BrokerUnavailable, PositionForgotten, BrokerClosed
    """
    while True:
        await delivery.allow_more()
        finished = is_finished()
        batch = delivery.take()
        if batch:
            yield batch
        if finished:
            return
        if batch:
            continue  # While it was looked at, more may have arrived: that comes before what ends it.
        if delivery.hole is not None:
            raise PositionForgotten(delivery.passed, delivery.hole)
        if delivery.broken is not None:
            raise BrokerUnavailable(f"replay interrupted: {delivery.broken}")
        if not delivery.is_heard(limit):
            raise BrokerUnavailable(f"replay silent for {limit.total_seconds():g} s")
        await delivery.wait(LOOK_EVERY)
