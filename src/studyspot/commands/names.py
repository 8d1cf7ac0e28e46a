"""Display names, from verified tokens to the bucket that the fan-out reads; none is ever in the log."""

import asyncio
from collections import OrderedDict
from datetime import timedelta

import structlog
from nats.aio.client import Client

from studyspot.access.tokens import Identity
from studyspot.broker.buckets import put_name
from studyspot.broker.connection import connect
from studyspot.broker.errors import BrokerError

log = structlog.get_logger()

_REMEMBERED = 100_000
_WAITING = 10_000
_ANSWER_SECONDS = 2
_RETRY = timedelta(seconds=1)


class NameBook:
    """Publishes each name once, behind the requests: a broker that is away delays none of them."""

    def __init__(self, nats_url: str) -> None:
        self._nats_url = nats_url
        self._published: OrderedDict[str, str] = OrderedDict()
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue(_WAITING)

    def learn(self, identity: Identity) -> None:
        """Take note of the caller's name; with too many waiting, their next request tells it again."""
        if identity.name is None or self._published.get(identity.user_id) == identity.name:
            return
        try:
            self._waiting.put_nowait((identity.user_id, identity.name))
        except asyncio.QueueFull:
            return
        self._published[identity.user_id] = identity.name
        if len(self._published) > _REMEMBERED:
            self._published.popitem(last=False)

    async def run(self) -> None:
        """Publish until cancelled; while the broker is away the oldest name waits."""
        connection: Client | None = None
        pending: tuple[str, str] | None = None
        try:
            while True:
                pending = pending or await self._waiting.get()
                try:
                    connection = connection or await connect(self._nats_url, name="studyspot-api")
                    await put_name(connection.jetstream(timeout=_ANSWER_SECONDS), *pending)
                except BrokerError as error:
                    log.warning("display name waits for the broker", error=str(error))
                    await asyncio.sleep(_RETRY.total_seconds())
                else:
                    pending = None
        finally:
            if connection is not None:
                await connection.close()
